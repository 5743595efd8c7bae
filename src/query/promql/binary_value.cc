#include "query/promql/binary_value.h"

#include <cmath>

#include "query/promql/histogram.h"

namespace clew::query::promql {
namespace {

using model::CounterReset;

void keep(const Operand& kept, Column& out, size_t i) {
  if (kept.histogram != nullptr) {
    out.set(i, *kept.histogram);
  } else {
    out.values[i] = kept.value;
  }
}

// A histogram times or divided by a number.
bool scale_histogram(const OperatorCall& call, const Operand& left, const Operand& right, Column& out, size_t i) {
  bool multiply = call.op == Op::kMul;
  if (!multiply && (call.op != Op::kDiv || right.histogram != nullptr)) return false;
  const Histogram& h = left.histogram != nullptr ? **left.histogram : **right.histogram;
  double factor = left.histogram != nullptr ? right.value : left.value;
  out.set(i, std::make_shared<const Histogram>(multiply ? scaled(h, factor) : divided(h, factor)));
  return true;
}

bool add_histograms(const OperatorCall& call, const Histogram& left, const Histogram& right, Column& out, size_t i) {
  bool minus = call.op == Op::kSub;
  if (!minus && call.op != Op::kAdd) return false;
  HistogramSum sum(left);
  AddOutcome outcome = sum.add(right, minus ? -1 : 1);
  if (outcome.incompatible) {
    call.annotations->incompatible_buckets(call.place, call.op);
    return true;
  }
  std::string_view during = minus ? "subtraction" : "addition";
  if (outcome.reconciled) call.annotations->mismatched_bounds(call.place, during);
  if (outcome.collision) call.annotations->reset_collision(call.place, during);
  // A difference may go down.
  if (minus) sum.reset = CounterReset::kGauge;
  out.set(i, sum.share());
  return true;
}

std::string_view type_name(const Operand& operand) { return operand.histogram != nullptr ? "histogram" : "float"; }

}  // namespace

double compute(Op op, double left, double right) {
  switch (op) {
    case Op::kAdd: return left + right;
    case Op::kSub: return left - right;
    case Op::kMul: return left * right;
    case Op::kDiv: return left / right;
    case Op::kMod: return std::fmod(left, right);
    case Op::kPow: return std::pow(left, right);
    case Op::kAtan2: return std::atan2(left, right);
    default: return 0;
  }
}

bool compare(Op op, double left, double right) {
  switch (op) {
    case Op::kEqual: return left == right;
    case Op::kNotEqual: return left != right;
    case Op::kLess: return left < right;
    case Op::kLessEqual: return left <= right;
    case Op::kGreater: return left > right;
    case Op::kGreaterEqual: return left >= right;
    default: return false;
  }
}

void operate(const OperatorCall& call, const Operand& left, const Operand& right, const Operand& kept, Column& out,
             size_t i) {
  bool holds = false;
  if (left.histogram == nullptr && right.histogram == nullptr) {
    if (!is_comparison(call.op)) {
      out.values[i] = compute(call.op, left.value, right.value);
      return;
    }
    holds = compare(call.op, left.value, right.value);
  } else if (left.histogram != nullptr && right.histogram != nullptr) {
    if (add_histograms(call, **left.histogram, **right.histogram, out, i)) return;
    if (call.op != Op::kEqual && call.op != Op::kNotEqual) {
      call.annotations->incompatible_types(call.place, type_name(left), call.op, type_name(right));
      return;
    }
    holds = same_histogram(**left.histogram, **right.histogram) == (call.op == Op::kEqual);
  } else {
    if (scale_histogram(call, left, right, out, i)) return;
    call.annotations->incompatible_types(call.place, type_name(left), call.op, type_name(right));
    return;
  }
  if (call.return_bool) {
    out.values[i] = holds ? 1 : 0;
  } else if (holds) {
    keep(kept, out, i);
  }
}

}  // namespace clew::query::promql
