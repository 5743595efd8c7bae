// Types of a tree, with Prometheus' messages.
#include <fmt/format.h>

#include <algorithm>

#include "query/promql/functions.h"
#include "query/promql/matcher.h"
#include "query/promql/parser.h"

namespace clew::query::promql {
namespace {

constexpr size_t kQuantilesMax = 10;  // of histogram_quantiles()

bool is_vector_or_scalar(const Expr& expr) {
  ValueType type = type_of(expr);
  return type == ValueType::kScalar || type == ValueType::kVector;
}

std::string article(ValueType type) { return std::string(type_text(type)); }

}  // namespace

bool Parser::expect(const Expr& expr, ValueType wanted, std::string_view where) {
  if (!check(expr)) return false;
  if (type_of(expr) == wanted) return true;
  return fail(expr.span, fmt::format("expected type {} in {}, got {}", article(wanted), where, article(type_of(expr))));
}

bool Parser::check(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString: return true;
    case ExprKind::kSelector: return check_selector(as<SelectorExpr>(expr), false);
    case ExprKind::kParen: return check(*as<ParenExpr>(expr).inner);
    case ExprKind::kSubquery: {
      const Expr& inner = *as<SubqueryExpr>(expr).inner;
      if (!check(inner)) return false;
      if (type_of(inner) == ValueType::kVector) return true;
      return fail(inner.span,
                  fmt::format("subquery is only allowed on instant vector, got {} instead", type_text(type_of(inner))));
    }
    case ExprKind::kUnary: {
      const Expr& inner = *as<UnaryExpr>(expr).inner;
      if (!check(inner)) return false;
      if (is_vector_or_scalar(inner)) return true;
      return fail(
          expr.span,
          fmt::format("unary expression only allowed on expressions of type scalar or instant vector, got \"{}\"",
                      type_text(type_of(inner))));
    }
    case ExprKind::kBinary: return check_binary(as<BinaryExpr>(expr));
    case ExprKind::kAggregate: return check_aggregate(as<AggregateExpr>(expr));
    case ExprKind::kCall: return check_call(as<CallExpr>(expr));
  }
  return true;
}

bool Parser::check_selector(const SelectorExpr& expr, bool label_selector) {
  for (const auto& matcher : expr.matchers) {
    if (matcher.name.empty()) return fail(expr.span, "invalid label name \"\"");
    std::string quoted_name = quote(matcher.name);
    if (quoted_name.find("\\x") != std::string::npos)
      return fail(expr.span, fmt::format("invalid label name {}", quoted_name));
  }
  if (label_selector) return true;
  for (const auto& given : expr.matchers) {
    Result<Matcher> matcher = Matcher::make(given);
    if (matcher.ok() && !(*matcher).matches("")) return true;
  }
  return fail(expr.span, "vector selector must contain at least one non-empty matcher");
}

bool Parser::check_binary(const BinaryExpr& expr) {
  if (!check(*expr.left) || !check(*expr.right)) return false;
  ValueType left = type_of(*expr.left);
  ValueType right = type_of(*expr.right);
  for (const Expr* side : {expr.left.get(), expr.right.get()}) {
    if (!is_vector_or_scalar(*side)) {
      return fail(side->span, "binary expression must contain only scalar and instant vector types");
    }
  }
  bool vectors = left == ValueType::kVector && right == ValueType::kVector;
  const Matching& matching = expr.matching;
  if (!vectors && (matching.given || matching.fill_left || matching.fill_right)) {
    return fail(expr.span, "vector matching only allowed between instant vectors");
  }
  if (is_set_op(expr.op) && !vectors) {
    return fail(expr.span,
                fmt::format("set operator \"{}\" not allowed in binary scalar expression", op_text(expr.op)));
  }
  if (is_set_op(expr.op) && (matching.fill_left || matching.fill_right)) {
    return fail(expr.span, "filling in missing series not allowed for set operators");
  }
  if (is_comparison(expr.op) && !expr.return_bool && left == ValueType::kScalar && right == ValueType::kScalar) {
    return fail(expr.span, "comparisons between scalars must use BOOL modifier");
  }
  if (!matching.on) return true;
  for (const std::string& label : matching.labels) {
    if (std::find(matching.include.begin(), matching.include.end(), label) == matching.include.end()) continue;
    return fail(expr.span, fmt::format("label {} must not occur in ON and GROUP clause at once", quote(label)));
  }
  return true;
}

bool Parser::check_aggregate(const AggregateExpr& expr) {
  if (!expect(*expr.inner, ValueType::kVector, "aggregation expression")) return false;
  if (!expr.parameter) return true;
  ValueType wanted = expr.aggregation == Aggregation::kCountValues ? ValueType::kString : ValueType::kScalar;
  return expect(*expr.parameter, wanted, "aggregation parameter");
}

bool Parser::check_call(const CallExpr& expr) {
  const Function& function = *expr.function;
  size_t count = expr.args.size();
  size_t most = function.args.size();
  size_t least = function.variadic == 0 ? most : most - 1;
  if (function.variadic == 0 && count != most) {
    return fail(expr.span,
                fmt::format("expected {} argument(s) in call to \"{}\", got {}", most, function.name, count));
  }
  if (count < least) {
    return fail(expr.span,
                fmt::format("expected at least {} argument(s) in call to \"{}\", got {}", least, function.name, count));
  }
  if (function.id == FunctionId::kHistogramQuantiles) most = 2 + kQuantilesMax;
  bool limited = function.variadic > 0 || function.id == FunctionId::kHistogramQuantiles;
  if (limited && count > most) {
    return fail(expr.span,
                fmt::format("expected at most {} argument(s) in call to \"{}\", got {}", most, function.name, count));
  }
  for (size_t i = 0; i < count; ++i) {
    const Expr& arg = *expr.args[i];
    if (function.id == FunctionId::kInfo && i == 1) {
      bool braces_only =
          arg.kind == ExprKind::kSelector && !as<SelectorExpr>(arg).is_range && text_[arg.span.begin] == '{';
      if (!braces_only) return fail(arg.span, "expected label selectors only, got vector selector instead");
      if (!check_selector(as<SelectorExpr>(arg), true)) return false;
      continue;
    }
    ValueType wanted = function.args[std::min(i, function.args.size() - 1)];
    if (!expect(arg, wanted, fmt::format("call to function \"{}\"", function.name))) return false;
  }
  return true;
}

}  // namespace clew::query::promql
