#include "query/ppl/join.h"

#include <algorithm>
#include <unordered_set>

#include "query/exec/join.h"
#include "query/exec/rows.h"
#include "query/ppl/member.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

using exec::JoinKind;
using model::Type;

struct Parsed {
  JoinKind kind = JoinKind::kInner;
  bool overwrite = true;
  uint64_t partners_max = 0;
  std::string left;  // aliases
  std::string right;
  std::vector<std::string> fields;
  expr::ExprPtr condition;
  std::shared_ptr<const Query> query;
  std::string right_name;  // what the right side is called when it has no alias
};

bool same_kind_of_value(Type a, Type b) {
  auto number = [](Type t) { return t >= Type::kInt && t <= Type::kDecimal; };
  return (number(a) && number(b)) ||
         (a == b && a != Type::kMixed && a != Type::kArray && a != Type::kStruct && a != Type::kNull);
}

class Join final : public Command {
 public:
  explicit Join(Parsed parsed) : parsed_(std::move(parsed)) {}

  std::string print() const override {
    std::string out = "join type=" + std::string(exec::join_name(parsed_.kind));
    if (!parsed_.overwrite) out += " overwrite=false";
    if (parsed_.partners_max != 0) out += " max=" + std::to_string(parsed_.partners_max);
    if (!parsed_.left.empty()) out += " left=" + expr::print_name(parsed_.left);
    if (!parsed_.right.empty()) out += " right=" + expr::print_name(parsed_.right);
    for (const std::string& field : parsed_.fields) out += " " + expr::print_name(field);
    if (parsed_.condition != nullptr) out += " on " + expr::print(*parsed_.condition);
    return out + " [ " + ppl::print(*parsed_.query) + " ]";
  }

  Status bind(Pipeline& pipeline) const override {
    exec::JoinSpec spec;
    spec.kind = parsed_.kind;
    spec.partners_max = parsed_.partners_max;
    spec.right = CLEW_TRY(pipeline.subplan(*parsed_.query));
    Sides sides;
    sides.left = pipeline.scope.all();
    for (const exec::PlanColumn& column : spec.right->columns) {
      sides.right.push_back({column.name, column.slot, column.type});
    }
    if (parsed_.condition != nullptr) {
      CLEW_TRY(bind_condition(pipeline, sides, spec));
    } else if (parsed_.kind != JoinKind::kCross) {
      CLEW_TRY(bind_fields(pipeline, sides, spec));
    }
    std::vector<Column> columns = output(pipeline, sides, spec);
    pipeline.add(std::make_shared<exec::JoinStep>(pipeline.context.source(), std::move(spec), "join", print()));
    finish_scope(pipeline, sides, std::move(columns));
    return {};
  }

 private:
  struct Sides {
    std::vector<Column> left;
    std::vector<Column> right;
  };

  bool left_only() const { return parsed_.kind == JoinKind::kSemi || parsed_.kind == JoinKind::kAnti; }
  std::string right_alias() const { return parsed_.right.empty() ? parsed_.right_name : parsed_.right; }

  static const Column* find(const std::vector<Column>& columns, std::string_view name) {
    auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
    return found == columns.end() ? nullptr : &*found;
  }

  void add_aliases(Scope& scope, const Scope& before, const Sides& sides) const {
    for (const auto& [alias, columns] : before.aliases())
      scope.add_alias(alias, columns.empty() ? sides.left : columns);
    if (!parsed_.left.empty()) scope.add_alias(parsed_.left, sides.left);
    if (!parsed_.right_name.empty()) scope.add_alias(parsed_.right_name, sides.right);
    if (!parsed_.query->search.alias.empty()) scope.add_alias(parsed_.query->search.alias, sides.right);
    if (!parsed_.right.empty()) scope.add_alias(parsed_.right, sides.right);
  }

  // ---- on a condition

  Status bind_condition(Pipeline& pipeline, const Sides& sides, exec::JoinSpec& spec) const {
    Pipeline joined(pipeline.context);
    joined.range = pipeline.range;
    std::vector<Column> both = sides.left;
    both.insert(both.end(), sides.right.begin(), sides.right.end());
    joined.scope.replace(std::move(both));
    add_aliases(joined.scope, pipeline.scope, sides);
    expr::BoundPtr bound = CLEW_TRY(joined.bind_condition(*parsed_.condition));
    std::unordered_set<Slot> right;
    for (const Column& column : sides.right) right.insert(column.slot);
    for (const exec::StepPtr& step : joined.plan.steps) {
      std::vector<Slot> reads;
      step->reads(reads);
      bool of_right = std::any_of(reads.begin(), reads.end(), [&](Slot slot) { return right.contains(slot); });
      if (dynamic_cast<const exec::MapStep*>(step.get()) == nullptr) {
        return pipeline.fail(expr::kUnsupportedOperation,
                             "a join condition takes no subsearch that depends on its rows", parsed_.condition->span);
      }
      (of_right ? spec.right_steps : spec.left_steps).push_back(step);
      if (of_right) add_made(*step, right);
    }
    split(bound, right, spec);
    return {};
  }

  // Columns that a step makes of the right side belong to it.
  static void add_made(const exec::Step& step, std::unordered_set<Slot>& right) {
    if (const auto* member = dynamic_cast<const MemberStep*>(&step)) right.insert(member->out());
  }

  // Equalities between the sides become keys; what is left is asked of the pairs.
  static void split(const expr::BoundPtr& bound, const std::unordered_set<Slot>& right, exec::JoinSpec& spec) {
    std::vector<expr::BoundPtr> conjuncts;
    expr::split_conjuncts(bound, conjuncts);
    bool all_keys = true;
    for (const expr::BoundPtr& conjunct : conjuncts) {
      bool key =
          expr::call_name(*conjunct) == "=" && same_kind_of_value(conjunct->args[0]->type, conjunct->args[1]->type);
      int first = key ? side_of(*conjunct->args[0], right) : 0;
      int second = key ? side_of(*conjunct->args[1], right) : 0;
      if (first * second == -1) {
        spec.left_keys.push_back(conjunct->args[first < 0 ? 0 : 1]);
        spec.right_keys.push_back(conjunct->args[first < 0 ? 1 : 0]);
      } else {
        all_keys = false;
      }
    }
    if (!all_keys || spec.left_keys.empty()) spec.condition = bound;
  }

  // -1 left, 1 right, 0 neither or both.
  static int side_of(const expr::Bound& bound, const std::unordered_set<Slot>& right) {
    int side = 0;
    for (uint32_t slot : expr::slots_of(bound)) {
      int own = right.contains(slot) ? 1 : -1;
      if (side != 0 && side != own) return 0;
      side = own;
    }
    return side;
  }

  // ---- on fields of both sides

  Status bind_fields(Pipeline& pipeline, const Sides& sides, exec::JoinSpec& spec) const {
    std::vector<std::string> fields = shared_fields(sides);
    if (fields.empty())
      return pipeline.fail(expr::kSemanticError, "the two sides of the join have no field in common; say `on ..`");
    std::vector<expr::ExprPtr> equal;
    for (const std::string& field : fields) {
      const Column* left = find(sides.left, field);
      const Column* right = find(sides.right, field);
      if (left == nullptr || right == nullptr) {
        return pipeline.fail(expr::kFieldNotFound, "Field [" + field + "] not found on the " +
                                                       (left == nullptr ? "left" : "right") + " side of the join.");
      }
      equal.push_back(expr::make_call("=", {expr::make_field("left " + field), expr::make_field("right " + field)}));
    }
    Pipeline joined(pipeline.context);
    std::vector<Column> both;
    std::unordered_set<Slot> right;
    for (const Column& column : sides.left) both.push_back({"left " + column.name, column.slot, column.type});
    for (const Column& column : sides.right) {
      both.push_back({"right " + column.name, column.slot, column.type});
      right.insert(column.slot);
    }
    joined.scope.replace(std::move(both));
    expr::ExprPtr condition = equal.size() == 1 ? equal[0] : expr::make_call("and", std::move(equal));
    expr::BoundPtr bound = CLEW_TRY(joined.bind_condition(*condition));
    split(bound, right, spec);
    return {};
  }

  std::vector<std::string> shared_fields(const Sides& sides) const {
    if (!parsed_.fields.empty()) return parsed_.fields;
    std::vector<std::string> out;
    for (const Column& column : sides.left) {
      if (find(sides.right, column.name) != nullptr) out.push_back(column.name);
    }
    return out;
  }

  // ---- the columns that come out

  std::vector<Column> output(Pipeline& pipeline, const Sides& sides, exec::JoinSpec& spec) const {
    for (const Column& column : sides.left) spec.left_slots.push_back(column.slot);
    if (left_only()) return sides.left;
    for (const Column& column : sides.right) spec.right_slots.push_back(column.slot);
    bool by_fields = parsed_.condition == nullptr && parsed_.kind != JoinKind::kCross;
    return by_fields ? output_by_fields(pipeline, sides, spec) : output_by_condition(sides);
  }

  // A name of both sides is the left one's; the right one's is called by its side.
  std::vector<Column> output_by_condition(const Sides& sides) const {
    std::vector<Column> out = sides.left;
    for (const Column& column : sides.right) {
      Column own = column;
      if (find(sides.left, column.name) != nullptr)
        own.name = (right_alias().empty() ? "right" : right_alias()) + "." + column.name;
      out.push_back(std::move(own));
    }
    return out;
  }

  // A name of both sides is one column: the right side's with overwrite, else the left one's. What the sides were
  // joined on comes from whichever has it.
  std::vector<Column> output_by_fields(Pipeline& pipeline, const Sides& sides, exec::JoinSpec& spec) const {
    std::vector<std::string> keys = shared_fields(sides);
    std::vector<Column> out;
    for (const Column& column : sides.left) {
      const Column* twin = find(sides.right, column.name);
      bool key = std::find(keys.begin(), keys.end(), column.name) != keys.end();
      if (twin != nullptr && key) {
        exec::JoinSpec::Merged merged{column.slot, twin->slot, pipeline.context.new_slot(), parsed_.overwrite};
        spec.merged.push_back(merged);
        out.push_back({column.name, merged.out, column.type == twin->type ? column.type : Type::kMixed});
      } else if (twin != nullptr && parsed_.overwrite) {
        out.push_back(*twin);
      } else {
        out.push_back(column);
      }
    }
    for (const Column& column : sides.right) {
      if (find(sides.left, column.name) == nullptr) out.push_back(column);
    }
    return out;
  }

  void finish_scope(Pipeline& pipeline, const Sides& sides, std::vector<Column> columns) const {
    const Scope before = pipeline.scope;
    pipeline.scope.replace(std::move(columns));
    add_aliases(pipeline.scope, before, sides);
  }

  Parsed parsed_;
};

// ---- parsing

std::optional<JoinKind> kind_of(std::string_view word) {
  std::string lower = expr::to_lower_ascii(word);
  if (lower == "outer") return JoinKind::kLeft;
  for (JoinKind kind : {JoinKind::kInner, JoinKind::kLeft, JoinKind::kRight, JoinKind::kFull, JoinKind::kSemi,
                        JoinKind::kAnti, JoinKind::kCross}) {
    if (exec::join_name(kind) == lower) return kind;
  }
  return std::nullopt;
}

Result<bool> take_option(CommandParser& parser, Parsed& out) {
  if (auto type = CLEW_TRY(parser.option("type"))) {
    std::optional<JoinKind> kind = kind_of(*type);
    if (!kind) return parser.fail("type is inner, left, outer, right, full, semi, anti or cross, not " + quoted(*type));
    out.kind = *kind;
    return true;
  }
  if (auto overwrite = CLEW_TRY(parser.bool_option("overwrite"))) {
    out.overwrite = *overwrite;
    return true;
  }
  if (auto most = CLEW_TRY(parser.int_option("max"))) {
    if (*most < 0) return parser.fail("max is 0 (all) or more");
    out.partners_max = static_cast<uint64_t>(*most);
    return true;
  }
  if (auto alias = CLEW_TRY(parser.option("left"))) {
    out.left = *alias;
    return true;
  }
  if (auto alias = CLEW_TRY(parser.option("right"))) {
    out.right = *alias;
    return true;
  }
  return false;
}

std::shared_ptr<const Query> whole_dataset(std::string name) {
  auto query = std::make_shared<Query>();
  query->search.sources.push_back(std::move(name));
  return query;
}

Status parse_right(CommandParser& parser, Parsed& out) {
  if (parser.tokens.peek().is("[")) {
    out.query = CLEW_TRY(parser.subquery());
    if (out.query->search.sources.size() == 1) out.right_name = out.query->search.sources[0];
  } else {
    std::string name = CLEW_TRY(parser.name_or_string());
    out.right_name = name;
    out.query = whole_dataset(std::move(name));
  }
  if (parser.tokens.accept_word("as")) {
    std::string alias = CLEW_TRY(parser.name_or_string());
    if (out.right.empty())
      out.right = std::move(alias);
    else
      out.right_name = std::move(alias);
  }
  return {};
}

// The names before the right side, when no condition stands there: the last one is the right side itself unless a
// subsearch follows.
Status parse_fields_and_right(CommandParser& parser, Parsed& out) {
  while (!parser.at_end() && !parser.tokens.peek().is("[") && !parser.tokens.peek().is_word("as")) {
    std::string name = CLEW_TRY(parser.name_or_string());
    out.fields.push_back(std::move(name));
    parser.tokens.accept(",");
  }
  if (parser.tokens.peek().is("[")) return parse_right(parser, out);
  if (out.fields.empty()) return parser.tokens.fail_expected("a dataset or `[ search .. ]`");
  out.right_name = out.fields.back();
  out.query = whole_dataset(out.fields.back());
  out.fields.pop_back();
  if (parser.tokens.accept_word("as")) out.right = CLEW_TRY(parser.name_or_string());
  return {};
}

Result<CommandPtr> parse_after_join(CommandParser& parser, JoinKind kind) {
  Parsed out;
  out.kind = kind;
  while (true) {
    bool taken = CLEW_TRY(take_option(parser, out));
    if (!taken && !parser.tokens.accept(",")) break;
  }
  bool condition = parser.tokens.accept_word("on") || parser.tokens.accept_word("where");
  if (condition) {
    out.condition = CLEW_TRY(parser.expression());
    CLEW_TRY(parse_right(parser, out));
  } else {
    CLEW_TRY(parse_fields_and_right(parser, out));
  }
  return CommandPtr(std::make_shared<Join>(std::move(out)));
}

}  // namespace

Result<CommandPtr> parse_join(CommandParser& parser) { return parse_after_join(parser, JoinKind::kInner); }

Result<CommandPtr> parse_join_kind(CommandParser& parser) {
  JoinKind kind = kind_of(parser.tokens.source(parser.name_span)).value_or(JoinKind::kInner);
  while (!parser.tokens.peek().is_word("join")) {
    // `left semi join`, `left outer join`; `full left=a right=b ..` does without the word.
    if (parser.tokens.peek(1).is("=")) return parse_after_join(parser, kind);
    std::optional<JoinKind> more =
        parser.tokens.peek().kind == expr::TokenKind::kIdentifier ? kind_of(parser.tokens.peek().text) : std::nullopt;
    if (!more) return parser.tokens.fail_expected("`join`");
    if (*more != JoinKind::kLeft) kind = *more;
    parser.tokens.next();
  }
  parser.tokens.next();
  return parse_after_join(parser, kind);
}

}  // namespace clew::query::ppl
