// Operators between a vector and a scalar, and signs.
#include "query/promql/binary_value.h"
#include "query/promql/evaluator.h"
#include "query/promql/histogram.h"

namespace clew::query::promql {
namespace {

bool drops(const BinaryExpr& expr) { return expr.return_bool || !is_comparison(expr.op); }

// The plain cases over whole columns, without a call per value.
template <class Compute>
void each_float(Column& column, const std::vector<double>& scalars, Compute compute_one) {
  for (size_t i = 0; i < scalars.size(); ++i) {
    double x = column.values[i];
    column.values[i] = is_absent(x) ? x : compute_one(x, scalars[i]);
  }
}

bool fast_column(Op op, bool scalar_left, Column& column, const std::vector<double>& scalars) {
  if (!column.histograms.empty()) return false;
  switch (op) {
    case Op::kAdd: each_float(column, scalars, [](double x, double s) { return x + s; }); return true;
    case Op::kMul: each_float(column, scalars, [](double x, double s) { return x * s; }); return true;
    case Op::kSub:
      if (scalar_left) {
        each_float(column, scalars, [](double x, double s) { return s - x; });
      } else {
        each_float(column, scalars, [](double x, double s) { return x - s; });
      }
      return true;
    case Op::kDiv:
      if (scalar_left) {
        each_float(column, scalars, [](double x, double s) { return s / x; });
      } else {
        each_float(column, scalars, [](double x, double s) { return x / s; });
      }
      return true;
    default: return false;
  }
}

}  // namespace

Result<StreamPtr> Evaluator::binary_with_scalar(const BinaryExpr& expr, const Grid& grid) {
  bool scalar_left = type_of(*expr.left) == ValueType::kScalar;
  std::vector<double> scalars = CLEW_TRY(scalar(scalar_left ? *expr.left : *expr.right, grid));
  StreamPtr inner = CLEW_TRY(vector(scalar_left ? *expr.right : *expr.left, grid));
  OperatorCall call{expr.op, expr.return_bool, expr.span, &context_.annotations};
  auto change = [call, scalar_left, scalars = std::move(scalars)](size_t, model::LabelsView, Column& column) {
    if (fast_column(call.op, scalar_left, column, scalars)) return ok_status();
    Column out;
    out.reset(column.values.size());
    for (size_t i = 0; i < scalars.size(); ++i) {
      if (!column.present(i)) continue;
      Operand value = Operand::at(column, i);
      Operand number{scalars[i], nullptr};
      operate(call, scalar_left ? number : value, scalar_left ? value : number, value, out, i);
    }
    std::swap(column, out);
    return ok_status();
  };
  return mapped(std::move(inner), drops(expr) ? Names::kDropped : Names::kKept, std::move(change));
}

Result<StreamPtr> Evaluator::unary(const UnaryExpr& expr, const Grid& grid) {
  StreamPtr inner = CLEW_TRY(vector(*expr.inner, grid));
  if (!expr.minus) return inner;
  return mapped(std::move(inner), Names::kDropped, [](size_t, model::LabelsView, Column& column) {
    for (size_t i = 0; i < column.values.size(); ++i) {
      if (!is_absent(column.values[i])) {
        column.values[i] = -column.values[i];
      } else if (column.has_histogram(i)) {
        column.histograms[i] = std::make_shared<const Histogram>(scaled(*column.histograms[i], -1));
      }
    }
    return ok_status();
  });
}

}  // namespace clew::query::promql
