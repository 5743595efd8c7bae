#include "query/promql/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "query/promql/functions.h"
#include "query/promql/lexer.h"

namespace clew::query::promql {
namespace {

constexpr double kSecondsMax = 9.2e9;  // 292 years, as far as Prometheus' durations reach

Error failure(std::string_view text, Span span, std::string message) {
  return Error(Code::kInvalid, fmt::format("{}: parse error: {}", place_text(text, span.begin), message));
}

class Preparer {
 public:
  Preparer(std::string_view text, const RunTimes& times, const Options& options)
      : text_(text), times_(times), options_(options) {}

  // `stats`: above stands a function that looks at counts and sums of histograms only.
  Status run(Expr& expr, bool stats) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString: expr.step_invariant = true; return ok_status();
      case ExprKind::kSelector: return selector(as<SelectorExpr>(expr), stats);
      case ExprKind::kSubquery: return subquery(as<SubqueryExpr>(expr));
      default: break;
    }
    bool invariant = true;
    if (expr.kind == ExprKind::kCall) {
      FunctionId id = as<CallExpr>(expr).function->id;
      stats = is_stats(id) || (stats && !is_bucket_function(id));
      invariant = !tells_time(id);
    }
    for (Expr* child : children_of(expr)) {
      CLEW_TRY(run(*child, stats));
      invariant &= child->step_invariant;
    }
    expr.step_invariant = invariant;
    return ok_status();
  }

 private:
  static bool is_stats(FunctionId id) {
    return id == FunctionId::kHistogramCount || id == FunctionId::kHistogramSum || id == FunctionId::kHistogramAvg;
  }
  static bool is_bucket_function(FunctionId id) {
    return id == FunctionId::kHistogramQuantile || id == FunctionId::kHistogramQuantiles ||
           id == FunctionId::kHistogramFraction;
  }
  // Functions whose result changes from step to step whatever they are given.
  static bool tells_time(FunctionId id) {
    switch (id) {
      case FunctionId::kTime:
      case FunctionId::kTimestamp:
      case FunctionId::kPredictLinear:
      case FunctionId::kYear:
      case FunctionId::kMonth:
      case FunctionId::kDayOfMonth:
      case FunctionId::kDayOfWeek:
      case FunctionId::kDayOfYear:
      case FunctionId::kDaysInMonth:
      case FunctionId::kHour:
      case FunctionId::kMinute: return true;
      default: return false;
    }
  }

  void fix(AtModifier& at) const {
    if (at.kind == AtModifier::Kind::kStart) at.millis = times_.start;
    if (at.kind == AtModifier::Kind::kEnd) at.millis = times_.end;
  }

  Result<int64_t> positive(const DurationPtr& duration) {
    int64_t millis = CLEW_TRY(duration_millis(*duration, text_, times_));
    if (millis <= 0) return failure(text_, duration->span, "duration must be greater than 0");
    return millis;
  }

  Status selector(SelectorExpr& expr, bool stats) {
    if (expr.range) expr.range_millis = CLEW_TRY(positive(expr.range));
    if (expr.offset) expr.offset_millis = CLEW_TRY(duration_millis(*expr.offset, text_, times_));
    fix(expr.at);
    expr.step_invariant = expr.at.set();
    expr.histogram_stats = stats;
    return ok_status();
  }

  Status subquery(SubqueryExpr& expr) {
    CLEW_TRY(run(*expr.inner, false));
    expr.range_millis = CLEW_TRY(positive(expr.range));
    expr.step_millis = options_.default_step_millis;
    if (expr.step) expr.step_millis = CLEW_TRY(positive(expr.step));
    if (expr.offset) expr.offset_millis = CLEW_TRY(duration_millis(*expr.offset, text_, times_));
    fix(expr.at);
    expr.step_invariant = expr.at.set();
    return ok_status();
  }

  std::string_view text_;
  const RunTimes& times_;
  const Options& options_;
};

Result<double> seconds_of(const DurationExpr& expr, std::string_view text, const RunTimes& times) {
  using Kind = DurationExpr::Kind;
  double left = 0;
  double right = 0;
  if (expr.left) left = CLEW_TRY(seconds_of(*expr.left, text, times));
  if (expr.right) right = CLEW_TRY(seconds_of(*expr.right, text, times));
  switch (expr.kind) {
    case Kind::kNumber: return expr.seconds;
    case Kind::kNegate: return -left;
    case Kind::kPlus: return left;
    case Kind::kAdd: return left + right;
    case Kind::kSub: return left - right;
    case Kind::kMul: return left * right;
    case Kind::kDiv:
      if (right == 0) return failure(text, expr.span, "division by zero");
      return left / right;
    case Kind::kMod:
      if (right == 0) return failure(text, expr.span, "modulo by zero");
      return std::fmod(left, right);
    case Kind::kPow: return std::pow(left, right);
    case Kind::kStep: return static_cast<double>(times.step) / 1000;
    case Kind::kRange: return static_cast<double>(times.end - times.start) / 1000;
    case Kind::kMin: return std::min(left, right);
    case Kind::kMax: return std::max(left, right);
  }
  return 0.0;
}

}  // namespace

Result<int64_t> duration_millis(const DurationExpr& expr, std::string_view text, const RunTimes& times) {
  double seconds = CLEW_TRY(seconds_of(expr, text, times));
  if (!(std::fabs(seconds) <= kSecondsMax)) return failure(text, expr.span, "duration out of range");
  return static_cast<int64_t>(std::llround(seconds * 1000));
}

Status prepare(Expr& expr, std::string_view text, const RunTimes& times, const Options& options) {
  return Preparer(text, times, options).run(expr, false);
}

}  // namespace clew::query::promql
