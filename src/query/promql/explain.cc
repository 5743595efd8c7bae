#include "query/promql/explain.h"

#include <fmt/format.h>

#include "query/promql/duration.h"
#include "query/promql/print.h"

namespace clew::query::promql {
namespace {

// How a node gets its series.
std::string_view way_of(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kSelector: return "reads series one by one";
    case ExprKind::kSubquery: return "holds all series of the inner query";
    case ExprKind::kAggregate:
      return takes_parameter(as<AggregateExpr>(expr).aggregation) ? "holds all series" : "adds up series as they come";
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      bool vectors = type_of(*binary.left) == ValueType::kVector && type_of(*binary.right) == ValueType::kVector;
      return vectors ? "holds both sides" : "series by series";
    }
    case ExprKind::kCall:
    case ExprKind::kUnary: return type_of(expr) == ValueType::kVector ? "series by series" : "one value per step";
    default: return "one value per step";
  }
}

void append(const Expr& expr, size_t level, Context* context, std::string& out) {
  if (expr.kind == ExprKind::kParen) return append(*as<ParenExpr>(expr).inner, level, context, out);
  out += std::string(level * 2, ' ') + print_node(expr);
  out += fmt::format("  # {}", way_of(expr));
  bool constant = expr.kind == ExprKind::kNumber || expr.kind == ExprKind::kString;
  if (expr.step_invariant && !constant) out += ", once for all steps";
  if (context != nullptr && type_of(expr) == ValueType::kVector) {
    const NodeCount& count = context->node(expr);
    out += fmt::format("; series={} points={} ms={:.3f}", count.series.load(), count.samples.load(),
                       static_cast<double>(count.nanos.load()) / 1e6);
  }
  out += '\n';
  for (const Expr* child : children_of(expr)) append(*child, level + 1, context, out);
}

}  // namespace

std::string plan_text(const Expr& expr, Context* context) {
  std::string out;
  append(expr, 0, context, out);
  return out;
}

}  // namespace clew::query::promql
