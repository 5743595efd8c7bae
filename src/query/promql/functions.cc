#include "query/promql/functions.h"

#include <algorithm>

namespace clew::query::promql {
namespace {

using enum ValueType;
using Id = FunctionId;

std::vector<Function> make_functions() {
  return {
      {Id::kAbs, "abs", {kVector}, 0, kVector, false},
      {Id::kAbsent, "absent", {kVector}, 0, kVector, false},
      {Id::kAbsentOverTime, "absent_over_time", {kMatrix}, 0, kVector, false},
      {Id::kAcos, "acos", {kVector}, 0, kVector, false},
      {Id::kAcosh, "acosh", {kVector}, 0, kVector, false},
      {Id::kAsin, "asin", {kVector}, 0, kVector, false},
      {Id::kAsinh, "asinh", {kVector}, 0, kVector, false},
      {Id::kAtan, "atan", {kVector}, 0, kVector, false},
      {Id::kAtanh, "atanh", {kVector}, 0, kVector, false},
      {Id::kAvgOverTime, "avg_over_time", {kMatrix}, 0, kVector, false},
      {Id::kCeil, "ceil", {kVector}, 0, kVector, false},
      {Id::kChanges, "changes", {kMatrix}, 0, kVector, false},
      {Id::kClamp, "clamp", {kVector, kScalar, kScalar}, 0, kVector, false},
      {Id::kClampMax, "clamp_max", {kVector, kScalar}, 0, kVector, false},
      {Id::kClampMin, "clamp_min", {kVector, kScalar}, 0, kVector, false},
      {Id::kCos, "cos", {kVector}, 0, kVector, false},
      {Id::kCosh, "cosh", {kVector}, 0, kVector, false},
      {Id::kCountOverTime, "count_over_time", {kMatrix}, 0, kVector, false},
      {Id::kDayOfMonth, "day_of_month", {kVector}, 1, kVector, false},
      {Id::kDayOfWeek, "day_of_week", {kVector}, 1, kVector, false},
      {Id::kDayOfYear, "day_of_year", {kVector}, 1, kVector, false},
      {Id::kDaysInMonth, "days_in_month", {kVector}, 1, kVector, false},
      {Id::kDeg, "deg", {kVector}, 0, kVector, false},
      {Id::kDelta, "delta", {kMatrix}, 0, kVector, false},
      {Id::kDeriv, "deriv", {kMatrix}, 0, kVector, false},
      {Id::kDoubleExponentialSmoothing, "double_exponential_smoothing", {kMatrix, kScalar, kScalar}, 0, kVector, true},
      {Id::kEnd, "end", {}, 0, kScalar, true},
      {Id::kExp, "exp", {kVector}, 0, kVector, false},
      {Id::kFirstOverTime, "first_over_time", {kMatrix}, 0, kVector, true},
      {Id::kFloor, "floor", {kVector}, 0, kVector, false},
      {Id::kHistogramAvg, "histogram_avg", {kVector}, 0, kVector, false},
      {Id::kHistogramCount, "histogram_count", {kVector}, 0, kVector, false},
      {Id::kHistogramFraction, "histogram_fraction", {kScalar, kScalar, kVector}, 0, kVector, false},
      {Id::kHistogramQuantile, "histogram_quantile", {kScalar, kVector}, 0, kVector, false},
      {Id::kHistogramQuantiles, "histogram_quantiles", {kVector, kString, kScalar, kScalar}, -1, kVector, true},
      {Id::kHistogramStddev, "histogram_stddev", {kVector}, 0, kVector, false},
      {Id::kHistogramStdvar, "histogram_stdvar", {kVector}, 0, kVector, false},
      {Id::kHistogramSum, "histogram_sum", {kVector}, 0, kVector, false},
      {Id::kHour, "hour", {kVector}, 1, kVector, false},
      {Id::kIdelta, "idelta", {kMatrix}, 0, kVector, false},
      {Id::kIncrease, "increase", {kMatrix}, 0, kVector, false},
      {Id::kInfo, "info", {kVector, kVector}, 1, kVector, true},
      {Id::kIrate, "irate", {kMatrix}, 0, kVector, false},
      {Id::kLabelJoin, "label_join", {kVector, kString, kString, kString}, -1, kVector, false},
      {Id::kLabelReplace, "label_replace", {kVector, kString, kString, kString, kString}, 0, kVector, false},
      {Id::kLastOverTime, "last_over_time", {kMatrix}, 0, kVector, false},
      {Id::kLn, "ln", {kVector}, 0, kVector, false},
      {Id::kLog10, "log10", {kVector}, 0, kVector, false},
      {Id::kLog2, "log2", {kVector}, 0, kVector, false},
      {Id::kMadOverTime, "mad_over_time", {kMatrix}, 0, kVector, true},
      {Id::kMaxOverTime, "max_over_time", {kMatrix}, 0, kVector, false},
      {Id::kMinOverTime, "min_over_time", {kMatrix}, 0, kVector, false},
      {Id::kMinute, "minute", {kVector}, 1, kVector, false},
      {Id::kMonth, "month", {kVector}, 1, kVector, false},
      {Id::kPi, "pi", {}, 0, kScalar, false},
      {Id::kPredictLinear, "predict_linear", {kMatrix, kScalar}, 0, kVector, false},
      {Id::kPresentOverTime, "present_over_time", {kMatrix}, 0, kVector, false},
      {Id::kQuantileOverTime, "quantile_over_time", {kScalar, kMatrix}, 0, kVector, false},
      {Id::kRad, "rad", {kVector}, 0, kVector, false},
      {Id::kRange, "range", {}, 0, kScalar, true},
      {Id::kRate, "rate", {kMatrix}, 0, kVector, false},
      {Id::kResets, "resets", {kMatrix}, 0, kVector, false},
      {Id::kRound, "round", {kVector, kScalar}, 1, kVector, false},
      {Id::kScalar, "scalar", {kVector}, 0, kScalar, false},
      {Id::kSgn, "sgn", {kVector}, 0, kVector, false},
      {Id::kSin, "sin", {kVector}, 0, kVector, false},
      {Id::kSinh, "sinh", {kVector}, 0, kVector, false},
      {Id::kSort, "sort", {kVector}, 0, kVector, false},
      {Id::kSortByLabel, "sort_by_label", {kVector, kString}, -1, kVector, true},
      {Id::kSortByLabelDesc, "sort_by_label_desc", {kVector, kString}, -1, kVector, true},
      {Id::kSortDesc, "sort_desc", {kVector}, 0, kVector, false},
      {Id::kSqrt, "sqrt", {kVector}, 0, kVector, false},
      {Id::kStart, "start", {}, 0, kScalar, true},
      {Id::kStddevOverTime, "stddev_over_time", {kMatrix}, 0, kVector, false},
      {Id::kStdvarOverTime, "stdvar_over_time", {kMatrix}, 0, kVector, false},
      {Id::kStep, "step", {}, 0, kScalar, true},
      {Id::kSumOverTime, "sum_over_time", {kMatrix}, 0, kVector, false},
      {Id::kTan, "tan", {kVector}, 0, kVector, false},
      {Id::kTanh, "tanh", {kVector}, 0, kVector, false},
      {Id::kTime, "time", {}, 0, kScalar, false},
      {Id::kTimestamp, "timestamp", {kVector}, 0, kVector, false},
      {Id::kTsOfFirstOverTime, "ts_of_first_over_time", {kMatrix}, 0, kVector, true},
      {Id::kTsOfLastOverTime, "ts_of_last_over_time", {kMatrix}, 0, kVector, true},
      {Id::kTsOfMaxOverTime, "ts_of_max_over_time", {kMatrix}, 0, kVector, true},
      {Id::kTsOfMinOverTime, "ts_of_min_over_time", {kMatrix}, 0, kVector, true},
      {Id::kVector, "vector", {kScalar}, 0, kVector, false},
      {Id::kYear, "year", {kVector}, 1, kVector, false},
  };
}

}  // namespace

const std::vector<Function>& all_functions() {
  static const std::vector<Function> functions = make_functions();
  return functions;
}

const Function* find_function(std::string_view name) {
  const std::vector<Function>& all = all_functions();
  auto at = std::lower_bound(all.begin(), all.end(), name,
                             [](const Function& f, std::string_view wanted) { return f.name < wanted; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

}  // namespace clew::query::promql
