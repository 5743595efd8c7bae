#include "query/ppl/subsearch.h"

#include <algorithm>
#include <unordered_map>

#include "expr/coerce.h"
#include "query/exec/gather.h"
#include "query/exec/group.h"
#include "query/exec/subplan.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

using expr::ExprKind;
using expr::ExprPtr;
using model::Type;
using model::Value;

class QuerySubsearch final : public expr::Subsearch {
 public:
  explicit QuerySubsearch(QueryPtr parsed) : query(std::move(parsed)) {}
  std::string print() const override { return " " + ppl::print(*query) + " "; }
  const QueryPtr query;
};

enum class Kind : uint8_t { kScalar, kExists, kIn };

// Rows of an answer, cell by cell.
using Rows = std::vector<std::vector<Value>>;

Rows rows_of(const exec::Plan& plan, const std::vector<exec::Block>& blocks) {
  Rows out;
  for (const exec::Block& block : blocks) {
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::vector<Value> cells;
      for (const exec::PlanColumn& column : plan.columns)
        cells.push_back(exec::column_of(block, column.slot)->value(row));
      out.push_back(std::move(cells));
    }
  }
  return out;
}

Result<Value> scalar_of(const Rows& rows) {
  if (rows.empty()) return Value();
  if (rows.size() == 1) return rows[0][0];
  return Error(Code::kInvalid,
               "a subsearch that stands for one value gave several rows; add `| head 1` or an aggregate");
}

// TRUE, FALSE, or null when only an unknown value could be equal.
Value is_in(const std::vector<Value>& left, const Rows& rows, int64_t now) {
  bool unknown = false;
  for (const std::vector<Value>& row : rows) {
    bool equal = true;
    bool maybe = false;
    for (size_t i = 0; i < left.size() && equal; ++i) {
      expr::Order order = expr::compare(expr::cell_of(left[i]), expr::cell_of(row[i]), now);
      bool null = left[i].is_null() || row[i].is_null();
      maybe = maybe || null;
      equal = null || order == expr::Order::kEqual;
    }
    if (equal && !maybe) return Value::boolean(true);
    unknown = unknown || (equal && maybe);
  }
  return unknown ? Value() : Value::boolean(false);
}

// ---- one that depends on the rows around it

class CorrelatedStep final : public exec::Step {
 public:
  struct Spec {
    Kind kind = Kind::kScalar;
    QueryPtr query;
    std::vector<std::pair<std::string, Slot>> outer;  // names of the query around, and where their values are
    std::vector<expr::BoundPtr> left;                 // kIn
    Slot out = 0;
    contract::TimeRange range;
    contract::Access access;
    int64_t now = 0;
    std::string text;
    bool leaves = false;
  };
  CorrelatedStep(contract::EventSource& source, Spec spec) : source_(source), spec_(std::move(spec)) {}
  std::string name() const override { return "subsearch"; }
  std::string describe() const override { return "subsearch for every value: " + ppl::print(*spec_.query); }
  void reads(std::vector<Slot>& out) const override {
    for (const auto& [name, slot] : spec_.outer) out.push_back(slot);
    for (const expr::BoundPtr& left : spec_.left) {
      for (uint32_t slot : expr::slots_of(*left)) out.push_back(slot);
    }
  }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override { return std::make_unique<Runner>(*this, run); }

 private:
  class Runner final : public exec::Operator {
   public:
    Runner(const CorrelatedStep& step, exec::Run& run) : step_(step), run_(run), held_(run) {}
    Status push(exec::Block block) override {
      const Spec& spec = step_.spec_;
      std::vector<model::VectorPtr> outer;
      for (const auto& [name, slot] : spec.outer) outer.push_back(exec::column_of(block, slot));
      std::vector<model::VectorPtr> left;
      exec::BlockInputs inputs(block);
      for (const expr::BoundPtr& bound : spec.left) {
        model::VectorPtr vector = CLEW_TRY(evaluator_.eval(*bound, inputs));
        left.push_back(std::move(vector));
      }
      std::vector<Value> results(block.rows);
      for (uint32_t row = 0; row < block.rows; ++row) {
        const Rows* answer = CLEW_TRY(answer_for(outer, row));
        results[row] = CLEW_TRY(result_of(*answer, left, row));
      }
      block.set(spec.out, exec::vector_of(results));
      return next_->push(std::move(block));
    }

   private:
    Result<const Rows*> answer_for(const std::vector<model::VectorPtr>& outer, uint32_t row) {
      std::string key;
      for (const model::VectorPtr& column : outer) exec::append_key(*column, row, key);
      auto known = answers_.find(key);
      if (known != answers_.end()) return &known->second;
      if (answers_.size() >= kSubsearchRunsMax) {
        return Error(Code::kLimit, "a subsearch that depends on the rows around it runs at most " +
                                       std::to_string(kSubsearchRunsMax) +
                                       " times; narrow the outer search, or use join or stats");
      }
      CLEW_TRY(run_.check());
      Rows rows = CLEW_TRY(ask(outer, row));
      uint64_t bytes = key.size() + 64;
      for (const std::vector<Value>& cells : rows) {
        for (const Value& cell : cells) bytes += sizeof(Value) + cell.text().size();
      }
      CLEW_TRY(held_.add(bytes));
      return &answers_.emplace(std::move(key), std::move(rows)).first->second;
    }

    Result<Rows> ask(const std::vector<model::VectorPtr>& outer, uint32_t row) {
      const Spec& spec = step_.spec_;
      Context context(step_.source_, spec.access, spec.now, spec.text);
      context.leaves = spec.leaves;
      context.evaluate = [&](const exec::Plan& plan) {
        return exec::collect_rows(run_, step_.source_, plan, held_, kSubsearchRowsMax, "the limit of a subsearch");
      };
      context.outers.push_back([&](std::string_view name) -> std::optional<expr::FieldRef> {
        for (size_t i = 0; i < spec.outer.size(); ++i) {
          if (spec.outer[i].first != name) continue;
          Value value = outer[i]->value(row);
          return expr::FieldRef{0, value.type(), std::make_shared<const Value>(std::move(value))};
        }
        return std::nullopt;
      });
      PlanOptions options;
      options.range = spec.range;
      Result<exec::PlanPtr> plan = plan_query(context, *spec.query, options);
      if (!plan.ok()) return plan.error();
      exec::Held held(run_);
      std::vector<exec::Block> blocks = CLEW_TRY(
          exec::collect_rows(run_, step_.source_, **plan, held, kSubsearchRowsMax, "the limit of a subsearch"));
      if (spec.kind != Kind::kExists) return rows_of(**plan, blocks);
      bool any = std::any_of(blocks.begin(), blocks.end(), [](const exec::Block& block) { return block.rows > 0; });
      return any ? Rows{{Value::boolean(true)}} : Rows{};
    }

    Result<Value> result_of(const Rows& rows, const std::vector<model::VectorPtr>& left, uint32_t row) const {
      switch (step_.spec_.kind) {
        case Kind::kExists: return Value::boolean(!rows.empty());
        case Kind::kScalar: return scalar_of(rows);
        case Kind::kIn: break;
      }
      std::vector<Value> values;
      for (const model::VectorPtr& column : left) values.push_back(column->value(row));
      return is_in(values, rows, step_.spec_.now);
    }

    const CorrelatedStep& step_;
    exec::Run& run_;
    exec::Held held_;
    expr::Evaluator evaluator_;
    std::unordered_map<std::string, Rows> answers_;
  };

  contract::EventSource& source_;
  Spec spec_;
};

// ---- rewriting

class Rewriter {
 public:
  explicit Rewriter(Pipeline& pipeline) : pipeline_(pipeline) {}

  Result<ExprPtr> rewrite(const ExprPtr& expr) {
    if (!has_subsearch(*expr)) return expr;
    if (expr->kind == ExprKind::kSubsearch) return answer(Kind::kScalar, *expr, {});
    if (expr->is_call("exists") && expr->args.size() == 1) return answer(Kind::kExists, *expr->args[0], {});
    if (expr->is_call("in") && expr->args[1]->kind == ExprKind::kSubsearch) {
      std::vector<ExprPtr> left = {expr->args[0]};
      if (expr->args[0]->is_call("tuple")) left = expr->args[0]->args;
      for (ExprPtr& one : left) one = CLEW_TRY(rewrite(one));
      return answer(Kind::kIn, *expr->args[1], left);
    }
    auto copy = std::make_shared<expr::Expr>(*expr);
    for (ExprPtr& arg : copy->args) arg = CLEW_TRY(rewrite(arg));
    return ExprPtr(std::move(copy));
  }

 private:
  Result<ExprPtr> answer(Kind kind, const expr::Expr& subsearch, const std::vector<ExprPtr>& left) {
    const auto* made = dynamic_cast<const QuerySubsearch*>(subsearch.subsearch.get());
    if (made == nullptr)
      return pipeline_.fail(expr::kUnsupportedOperation, "a subsearch cannot stand here", subsearch.span);
    std::vector<std::pair<std::string, Slot>> outer;
    exec::PlanPtr plan = CLEW_TRY(plan_inside(*made->query, outer));
    size_t columns = kind == Kind::kIn ? left.size() : 1;
    if (kind != Kind::kExists && plan->columns.size() != columns) {
      return pipeline_.fail(expr::kSemanticError,
                            "this subsearch must give " + std::to_string(columns) + " column" +
                                (columns == 1 ? "" : "s") + ", not " + std::to_string(plan->columns.size()) +
                                "; end it with `| fields ..`",
                            subsearch.span);
    }
    if (!outer.empty()) return correlated(kind, made->query, std::move(outer), left);
    return answered(kind, *plan, left, subsearch.span);
  }

  // Names that the subsearch does not have are looked for here.
  Result<exec::PlanPtr> plan_inside(const Query& query, std::vector<std::pair<std::string, Slot>>& outer) {
    Context& context = pipeline_.context;
    context.outers.push_back([&](std::string_view name) -> std::optional<expr::FieldRef> {
      std::optional<Column> column = pipeline_.scope.column(name);
      if (!column) return std::nullopt;
      auto known = std::find_if(outer.begin(), outer.end(), [&](const auto& one) { return one.first == name; });
      if (known == outer.end()) outer.emplace_back(std::string(name), column->slot);
      return expr::FieldRef{};  // which value is known later
    });
    Result<exec::PlanPtr> plan = pipeline_.subplan(query);
    context.outers.pop_back();
    return plan;
  }

  Result<ExprPtr> answered(Kind kind, const exec::Plan& plan, const std::vector<ExprPtr>& left, expr::SourceSpan span) {
    if (!pipeline_.context.evaluate) return expr::make_literal(Value(), span);
    Result<std::vector<exec::Block>> blocks = pipeline_.context.evaluate(plan);
    if (!blocks.ok()) return blocks.error();
    Rows rows = rows_of(plan, *blocks);
    if (kind == Kind::kExists) return expr::make_literal(Value::boolean(!rows.empty()), span);
    if (kind == Kind::kScalar) {
      Result<Value> value = scalar_of(rows);
      if (!value.ok()) return pipeline_.fail(expr::kSemanticError, value.error().message(), span);
      return expr::make_literal(*value, span);
    }
    if (rows.empty()) return expr::make_literal(Value::boolean(false), span);
    return left.size() == 1 ? in_values(left[0], rows, span) : in_tuples(left, rows, span);
  }

  ExprPtr in_values(const ExprPtr& left, const Rows& rows, expr::SourceSpan span) {
    exec::KeyColumn seen;
    std::vector<ExprPtr> args = {left};
    for (const std::vector<Value>& row : rows) {
      uint32_t before = seen.size();
      if (seen.intern_value(row[0]) == before) args.push_back(expr::make_literal(row[0], span));
    }
    return expr::make_call("in", std::move(args), span);
  }

  Result<ExprPtr> in_tuples(const std::vector<ExprPtr>& left, const Rows& rows, expr::SourceSpan span) {
    if (rows.size() > kSubsearchTuplesMax) {
      return pipeline_.fail(
          expr::kResourceLimitExceeded,
          "a subsearch of several columns gives at most " + std::to_string(kSubsearchTuplesMax) + " rows; use join",
          span);
    }
    std::vector<ExprPtr> any;
    for (const std::vector<Value>& row : rows) {
      std::vector<ExprPtr> all;
      for (size_t i = 0; i < left.size(); ++i)
        all.push_back(expr::make_call("=", {left[i], expr::make_literal(row[i], span)}, span));
      any.push_back(expr::make_call("and", std::move(all), span));
    }
    return any.size() == 1 ? any[0] : expr::make_call("or", std::move(any), span);
  }

  Result<ExprPtr> correlated(Kind kind, const QueryPtr& query, std::vector<std::pair<std::string, Slot>> outer,
                             const std::vector<ExprPtr>& left) {
    CorrelatedStep::Spec spec;
    spec.kind = kind;
    spec.query = query;
    spec.outer = std::move(outer);
    for (const ExprPtr& one : left) {
      expr::BoundPtr bound = CLEW_TRY(pipeline_.bind(*one));
      spec.left.push_back(std::move(bound));
    }
    Context& context = pipeline_.context;
    spec.out = context.new_slot();
    spec.range = pipeline_.range;
    spec.access = context.access();
    spec.now = context.now();
    spec.text = std::string(context.text());
    spec.leaves = context.leaves;
    std::string name = "[subsearch " + std::to_string(spec.out) + "]";
    Slot out = spec.out;
    pipeline_.add(std::make_shared<CorrelatedStep>(context.source(), std::move(spec)));
    pipeline_.scope.add_hidden({name, out, kind == Kind::kScalar ? Type::kMixed : Type::kBool});
    return expr::make_field(name);
  }

  Pipeline& pipeline_;
};

}  // namespace

expr::SubsearchParser subsearch_parser(CommandParser::ParseQuery parse_query) {
  return [parse_query =
              std::move(parse_query)](expr::TokenStream& tokens) -> Result<std::shared_ptr<const expr::Subsearch>> {
    QueryPtr query = CLEW_TRY(parse_query(tokens));
    return std::shared_ptr<const expr::Subsearch>(std::make_shared<QuerySubsearch>(std::move(query)));
  };
}

bool has_subsearch(const expr::Expr& expr) {
  return expr.kind == ExprKind::kSubsearch ||
         std::any_of(expr.args.begin(), expr.args.end(), [](const ExprPtr& arg) { return has_subsearch(*arg); });
}

Result<ExprPtr> without_subsearches(Pipeline& pipeline, const expr::Expr& expr) {
  if (!has_subsearch(expr)) return ExprPtr();
  return Rewriter(pipeline).rewrite(std::make_shared<const expr::Expr>(expr));
}

}  // namespace clew::query::ppl
