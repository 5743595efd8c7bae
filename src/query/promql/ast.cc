#include "query/promql/ast.h"

#include <array>

#include "query/promql/functions.h"

namespace clew::query::promql {
namespace {

constexpr std::array<std::string_view, 16> kOps = {
    "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"};
constexpr std::array<std::string_view, 14> kAggregations = {
    "sum",    "avg",  "count",   "min",      "max",          "group",  "stddev",
    "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"};

}  // namespace

std::string_view type_text(ValueType type) {
  switch (type) {
    case ValueType::kScalar: return "scalar";
    case ValueType::kVector: return "instant vector";
    case ValueType::kMatrix: return "range vector";
    case ValueType::kString: return "string";
  }
  return "";
}

std::string_view op_text(Op op) { return kOps[static_cast<size_t>(op)]; }
std::string_view aggregation_text(Aggregation a) { return kAggregations[static_cast<size_t>(a)]; }

std::optional<Aggregation> aggregation_of(std::string_view lower_name) {
  for (size_t i = 0; i < kAggregations.size(); ++i) {
    if (kAggregations[i] == lower_name) return static_cast<Aggregation>(i);
  }
  return std::nullopt;
}

const Expr& without_parens(const Expr& expr) {
  const Expr* at = &expr;
  while (at->kind == ExprKind::kParen) at = as<ParenExpr>(*at).inner.get();
  return *at;
}

ValueType type_of(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: return ValueType::kScalar;
    case ExprKind::kString: return ValueType::kString;
    case ExprKind::kSelector: return as<SelectorExpr>(expr).is_range ? ValueType::kMatrix : ValueType::kVector;
    case ExprKind::kSubquery: return ValueType::kMatrix;
    case ExprKind::kUnary: return type_of(*as<UnaryExpr>(expr).inner);
    case ExprKind::kParen: return type_of(*as<ParenExpr>(expr).inner);
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      bool scalars = type_of(*binary.left) == ValueType::kScalar && type_of(*binary.right) == ValueType::kScalar;
      return scalars ? ValueType::kScalar : ValueType::kVector;
    }
    case ExprKind::kAggregate: return ValueType::kVector;
    case ExprKind::kCall: return as<CallExpr>(expr).function->result;
  }
  return ValueType::kVector;
}

std::vector<Expr*> children_of(Expr& expr) {
  std::vector<Expr*> children;
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kSelector: break;
    case ExprKind::kSubquery: children.push_back(as<SubqueryExpr>(expr).inner.get()); break;
    case ExprKind::kUnary: children.push_back(as<UnaryExpr>(expr).inner.get()); break;
    case ExprKind::kParen: children.push_back(as<ParenExpr>(expr).inner.get()); break;
    case ExprKind::kBinary: children = {as<BinaryExpr>(expr).left.get(), as<BinaryExpr>(expr).right.get()}; break;
    case ExprKind::kAggregate:
      if (as<AggregateExpr>(expr).parameter) children.push_back(as<AggregateExpr>(expr).parameter.get());
      children.push_back(as<AggregateExpr>(expr).inner.get());
      break;
    case ExprKind::kCall:
      for (ExprPtr& arg : as<CallExpr>(expr).args) children.push_back(arg.get());
      break;
  }
  return children;
}

std::vector<const Expr*> children_of(const Expr& expr) {
  std::vector<Expr*> children = children_of(const_cast<Expr&>(expr));  // NOLINT: only looked at
  return {children.begin(), children.end()};
}

}  // namespace clew::query::promql
