#include "expr/bind.h"

#include <algorithm>
#include <unordered_set>

#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/functions.h"
#include "expr/parse.h"
#include "expr/relevance.h"
#include "model/canonical.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;

bool is_comparison(std::string_view name) {
  return name == "=" || name == "!=" || name == "<" || name == "<=" || name == ">" || name == ">=";
}

// Functions whose comparison goes by severity when their first argument is a level field.
std::string level_form(std::string_view name) {
  if (is_comparison(name) || name == "in" || name == "between") return "level " + std::string(name);
  return std::string();
}

std::shared_ptr<Bound> new_call(const FunctionDef& function, std::vector<BoundPtr> args, SourceSpan span, int64_t now) {
  auto bound = std::make_shared<Bound>();
  bound->op = Bound::Op::kCall;
  bound->function = &function;
  bound->args = std::move(args);
  bound->span = span;
  bound->now = now;
  return bound;
}

class NoInputs final : public Inputs {
 public:
  uint32_t rows() const override { return 1; }
  Result<model::VectorPtr> column(uint32_t, const model::Selection*) override {
    return std::make_shared<const model::Vector>(model::Vector::all_null(1));
  }
};

bool all_constant(const std::vector<BoundPtr>& args) {
  return std::all_of(args.begin(), args.end(), [](const BoundPtr& arg) { return is_constant(*arg); });
}

std::string arity_text(const FunctionDef& function) {
  int low = function.args_min;
  int high = function.args_max;
  std::string count = std::to_string(low);
  if (high == kAnyCount)
    count = "at least " + count;
  else if (high != low)
    count += " to " + std::to_string(high);
  return count + (low == 1 && high == 1 ? " argument" : " arguments");
}

Value time_span_value(const TimeSpan& span) {
  Value v = span.calendar() ? Value::decimal(span.months(), 1) : Value::decimal(span.nanos(), 0);
  v.set_type(Type::kInterval);
  return v;
}

void collect_slots(const Bound& bound, std::unordered_set<uint32_t>& seen, std::vector<uint32_t>& out) {
  bool column = bound.op == Bound::Op::kField && bound.slot < kLambdaSlotFirst;
  if (column && seen.insert(bound.slot).second) out.push_back(bound.slot);
  for (const BoundPtr& arg : bound.args) collect_slots(*arg, seen, out);
}

}  // namespace

std::optional<FieldRef> ListSchema::find(std::string_view name) {
  for (uint32_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return FieldRef{i, columns_[i].type};
  }
  return std::nullopt;
}

std::vector<std::string> ListSchema::names() {
  std::vector<std::string> out;
  for (const Column& column : columns_) out.push_back(column.name);
  return out;
}

BoundPtr bound_constant(Value value, SourceSpan span) {
  auto bound = std::make_shared<Bound>();
  bound->op = Bound::Op::kConst;
  bound->type = value.type();
  bound->constant = std::move(value);
  bound->span = span;
  return bound;
}

bool is_level_field(std::string_view name) {
  return name == "level" || name == "severity" || name == "severityText" || name == "log.level";
}

std::vector<uint32_t> slots_of(const Bound& bound) {
  std::vector<uint32_t> out;
  std::unordered_set<uint32_t> seen;
  collect_slots(bound, seen, out);
  return out;
}

void split_conjuncts(const BoundPtr& bound, std::vector<BoundPtr>& out) {
  if (call_name(*bound) != "and") {
    out.push_back(bound);
    return;
  }
  for (const BoundPtr& arg : bound->args) split_conjuncts(arg, out);
}

std::string_view call_name(const Bound& bound) {
  return bound.op == Bound::Op::kCall ? bound.function->name : std::string_view();
}

Error Binder::fail(SourceSpan span, std::string_view code, std::string message, std::string suggestion) {
  if (diagnostic_.code.empty()) {
    LineColumn at = locate(source_text_, span.begin);
    diagnostic_ = {code, span, at.line, at.column, std::move(message), std::move(suggestion)};
  }
  return to_error(diagnostic_);
}

Result<BoundPtr> Binder::bind_condition(const Expr& expr) {
  BoundPtr bound = CLEW_TRY(bind(expr));
  bool condition = bound->type == Type::kBool || bound->type == Type::kNull || bound->type == Type::kMixed;
  if (!condition) {
    return fail(expr.span, kTypeError,
                "a condition must be true or false; this is " + std::string(model::type_name(bound->type)));
  }
  return bound;
}

Result<BoundPtr> Binder::bind(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral: return bound_constant(expr.literal, expr.span);
    case ExprKind::kField: return bind_field(expr);
    case ExprKind::kCall: return bind_call(expr);
    case ExprKind::kTimeSpan: return bound_constant(time_span_value(expr.time_span), expr.span);
    case ExprKind::kLambda: return fail(expr.span, kSemanticError, "a lambda cannot stand here");
    case ExprKind::kKeyword: return fail(expr.span, kSemanticError, "the word " + expr.name + " cannot stand here");
    case ExprKind::kSubsearch: break;
  }
  return fail(expr.span, kUnsupportedOperation, "a subsearch cannot stand here");
}

Result<BoundPtr> Binder::bind_field(const Expr& expr) {
  auto bound = std::make_shared<Bound>();
  bound->op = Bound::Op::kField;
  bound->span = expr.span;
  bound->name = expr.name;
  for (size_t i = scope_.size(); i-- > 0;) {
    if (scope_[i].name != expr.name) continue;
    bound->slot = scope_[i].slot;
    bound->type = scope_[i].type;
    return BoundPtr(std::move(bound));
  }
  std::optional<FieldRef> found = schema_.find(expr.name);
  if (!found) return bind_unknown_field(expr);
  if (found->constant != nullptr) return bound_constant(*found->constant, expr.span);
  if (found->slot == kNoSlot) return bound_constant(Value(), expr.span);
  bound->slot = found->slot;
  bound->type = found->type;
  return BoundPtr(std::move(bound));
}

// A name that the schema does not know may still be a member of a struct column, or a difference written without
// blanks.
Result<BoundPtr> Binder::bind_unknown_field(const Expr& expr) {
  for (size_t dot = expr.name.rfind('.'); dot != std::string::npos && dot > 0; dot = expr.name.rfind('.', dot - 1)) {
    std::string prefix = expr.name.substr(0, dot);
    auto parameter = std::find_if(scope_.rbegin(), scope_.rend(), [&](const Scope& s) { return s.name == prefix; });
    std::optional<FieldRef> column = schema_.find(prefix);
    bool nested = column && (is_nested(column->type) || column->type == Type::kMixed);
    if (parameter == scope_.rend() && !nested) continue;
    BoundPtr base = CLEW_TRY(bind(*make_field(prefix, expr.span)));
    BoundPtr path = bound_constant(Value::string(expr.name.substr(dot + 1)), expr.span);
    return finish_call(*find_function("member of"), {base, path}, expr.span);
  }
  size_t dash = expr.quoted ? std::string::npos : expr.name.rfind('-');
  if (dash != std::string::npos && dash > 0) {
    Result<ExprPtr> right = parse_expression_text(std::string_view(expr.name).substr(dash + 1));
    ExprPtr left = make_field(expr.name.substr(0, dash), expr.span);
    if (right.ok() && schema_.find(left->name)) return bind(*make_call("-", {left, *right}, expr.span));
  }
  std::string closest = closest_name(expr.name, schema_.names());
  return fail(expr.span, kFieldNotFound, "Field [" + expr.name + "] not found.",
              closest.empty() ? "" : "did you mean `" + closest + "`?");
}

// `level >= warn`: the name of a level where no field has that name.
BoundPtr Binder::level_word(const Expr& expr) {
  if (expr.kind != ExprKind::kField || expr.quoted || model::level_rank(expr.name) == 0) return nullptr;
  if (schema_.find(expr.name)) return nullptr;
  return bound_constant(Value::string(expr.name), expr.span);
}

Result<BoundPtr> Binder::bind_call(const Expr& expr) {
  if (expr.name == "mvmap") return bind_mvmap(expr);
  if (is_relevance(expr.name)) return bind_relevance(*this, schema_, expr);
  std::string name = expr.name;
  bool levels = !expr.args.empty() && expr.args[0]->kind == ExprKind::kField && is_level_field(expr.args[0]->name);
  bool reversed = is_comparison(name) && expr.args[1]->kind == ExprKind::kField && is_level_field(expr.args[1]->name);
  std::string by_level = levels || reversed ? level_form(name) : std::string();
  if (!by_level.empty()) name = by_level;
  const FunctionDef* function = find_function(name);
  if (function == nullptr || ((function->flags & kHidden) != 0 && by_level.empty())) {
    std::string closest = closest_name(name, function_names());
    return fail(expr.span, kSemanticError, "unknown function " + quoted(name),
                closest.empty() ? "" : "did you mean " + closest + "()?");
  }
  int count = static_cast<int>(expr.args.size());
  if (count < function->args_min || (function->args_max != kAnyCount && count > function->args_max)) {
    return fail(expr.span, kSemanticError,
                name + "() takes " + arity_text(*function) + ", not " + std::to_string(count));
  }
  std::vector<BoundPtr> args = CLEW_TRY(bind_args(expr, *function));
  return finish_call(*function, std::move(args), expr.span);
}

Result<std::vector<BoundPtr>> Binder::bind_args(const Expr& expr, const FunctionDef& function) {
  bool by_level = function.name.substr(0, 6) == "level ";
  bool coalesce = expr.name == "coalesce";
  std::vector<BoundPtr> args;
  for (const ExprPtr& arg : expr.args) {
    BoundPtr bound;
    if (by_level) bound = level_word(*arg);
    bool missing = coalesce && arg->kind == ExprKind::kField && !schema_.find(arg->name) && scope_.empty();
    if (bound != nullptr) {
    } else if (arg->kind == ExprKind::kKeyword && (function.flags & kKeywords) != 0) {
      bound = bound_constant(Value::string(arg->name), arg->span);
    } else if (arg->kind == ExprKind::kLambda && (function.flags & kLambdas) != 0) {
      bound = CLEW_TRY(bind_lambda(*arg));
    } else if (missing) {
      bound = bound_constant(Value(), arg->span);
    } else {
      bound = CLEW_TRY(bind(*arg));
    }
    args.push_back(std::move(bound));
  }
  return args;
}

Result<BoundPtr> Binder::bind_lambda(const Expr& expr) {
  auto lambda = std::make_shared<Bound>();
  lambda->op = Bound::Op::kLambda;
  lambda->span = expr.span;
  size_t outer = scope_.size();
  for (const std::string& parameter : expr.parameters) {
    uint32_t slot = kLambdaSlotFirst + lambda_slots_++;
    lambda->parameters.push_back(slot);
    scope_.push_back({parameter, slot, Type::kMixed});
  }
  Result<BoundPtr> body = bind(*expr.args[0]);
  scope_.resize(outer);
  auto value = CLEW_TRY(std::move(body));
  lambda->args.push_back(std::move(value));
  lambda->type = lambda->args[0]->type;
  return BoundPtr(std::move(lambda));
}

// mvmap(array, expression over the array's name): the name stands for each element in the second argument.
Result<BoundPtr> Binder::bind_mvmap(const Expr& expr) {
  if (expr.args.size() != 2) {
    return fail(expr.span, kSemanticError, "mvmap() takes 2 arguments, not " + std::to_string(expr.args.size()));
  }
  BoundPtr array = CLEW_TRY(bind(*expr.args[0]));
  Expr lambda;
  lambda.kind = ExprKind::kLambda;
  lambda.span = expr.args[1]->span;
  std::vector<std::string> names = fields_of(*expr.args[0]);
  lambda.parameters.push_back(names.empty() ? std::string() : names[0]);
  lambda.args.push_back(expr.args[1]);
  BoundPtr bound = CLEW_TRY(bind_lambda(lambda));
  return finish_call(*find_function("transform"), {array, bound}, expr.span);
}

Result<BoundPtr> Binder::finish_call(const FunctionDef& function, std::vector<BoundPtr> args, SourceSpan span) {
  auto call = new_call(function, std::move(args), span, options_.now);
  call->type = function.type(call->args);
  if (function.prepare != nullptr) {
    call->prepared = CLEW_TRY(function.prepare(*this, call->args, span));
  }
  if ((function.flags & kVolatile) != 0 || !all_constant(call->args)) return BoundPtr(std::move(call));
  NoInputs inputs;
  Evaluator evaluator;
  Result<model::VectorPtr> folded = evaluator.eval(*call, inputs, nullptr);
  if (!folded.ok()) return fail(span, kEvaluationError, folded.error().message());
  auto constant = std::make_shared<Bound>();
  constant->op = Bound::Op::kConst;
  constant->constant = value_of(cell_of(**folded, 0));
  constant->type = constant->constant.is_null() ? call->type : constant->constant.type();
  constant->span = span;
  return BoundPtr(std::move(constant));
}

}  // namespace clew::expr
