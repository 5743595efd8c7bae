// Calls of functions over instant vectors and scalars: mathematics, time, sorting, absent, scalar.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "query/promql/evaluator.h"

namespace clew::query::promql {
namespace {

using Id = FunctionId;
using MathFunction = double (*)(double);

double sign(double x) { return x < 0 ? -1 : x > 0 ? 1 : x; }

MathFunction math_function(Id id) {
  switch (id) {
    case Id::kAbs: return [](double x) { return std::fabs(x); };
    case Id::kAcos: return [](double x) { return std::acos(x); };
    case Id::kAcosh: return [](double x) { return std::acosh(x); };
    case Id::kAsin: return [](double x) { return std::asin(x); };
    case Id::kAsinh: return [](double x) { return std::asinh(x); };
    case Id::kAtan: return [](double x) { return std::atan(x); };
    case Id::kAtanh: return [](double x) { return std::atanh(x); };
    case Id::kCeil: return [](double x) { return std::ceil(x); };
    case Id::kCos: return [](double x) { return std::cos(x); };
    case Id::kCosh: return [](double x) { return std::cosh(x); };
    case Id::kDeg: return [](double x) { return x * 180 / std::numbers::pi; };
    case Id::kExp: return [](double x) { return std::exp(x); };
    case Id::kFloor: return [](double x) { return std::floor(x); };
    case Id::kLn: return [](double x) { return std::log(x); };
    case Id::kLog10: return [](double x) { return std::log10(x); };
    case Id::kLog2: return [](double x) { return std::log2(x); };
    case Id::kRad: return [](double x) { return x * std::numbers::pi / 180; };
    case Id::kSgn: return sign;
    case Id::kSin: return [](double x) { return std::sin(x); };
    case Id::kSinh: return [](double x) { return std::sinh(x); };
    case Id::kSqrt: return [](double x) { return std::sqrt(x); };
    case Id::kTan: return [](double x) { return std::tan(x); };
    case Id::kTanh: return [](double x) { return std::tanh(x); };
    default: return nullptr;
  }
}

double date_part(Id id, double seconds) {
  // Beyond this a year has more digits than a date.
  if (!(std::fabs(seconds) < 1e11)) return std::numeric_limits<double>::quiet_NaN();
  using std::chrono::days;
  std::chrono::sys_seconds time{std::chrono::seconds(static_cast<int64_t>(seconds))};
  auto day = std::chrono::floor<days>(time);
  std::chrono::year_month_day date{day};
  int64_t in_day = (time - day).count();
  switch (id) {
    case Id::kMinute: return static_cast<double>(in_day / 60 % 60);
    case Id::kHour: return static_cast<double>(in_day / 3600);
    case Id::kDayOfMonth: return static_cast<unsigned>(date.day());
    case Id::kDayOfWeek: return std::chrono::weekday(day).c_encoding();
    case Id::kDayOfYear: return static_cast<double>((day - std::chrono::sys_days(date.year() / 1 / 1)).count() + 1);
    case Id::kDaysInMonth: return static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
    case Id::kMonth: return static_cast<unsigned>(date.month());
    case Id::kYear: return static_cast<int>(date.year());
    default: return 0;
  }
}

bool is_date(Id id) {
  switch (id) {
    case Id::kMinute:
    case Id::kHour:
    case Id::kDayOfMonth:
    case Id::kDayOfWeek:
    case Id::kDayOfYear:
    case Id::kDaysInMonth:
    case Id::kMonth:
    case Id::kYear: return true;
    default: return false;
  }
}

// Changes floats; histograms are left out.
template <class Change>
ColumnChange floats_only(Change change) {
  return [change](size_t, model::LabelsView, Column& column) {
    column.histograms.clear();
    for (size_t i = 0; i < column.values.size(); ++i) {
      double x = column.values[i];
      if (!is_absent(x)) column.values[i] = change(x, i);
    }
    return ok_status();
  };
}

// One series without labels.
StreamPtr constant(std::vector<double> values) {
  auto made = std::make_unique<Block>();
  Block::Row row;
  row.column.values = std::move(values);
  made->rows.push_back(std::move(row));
  return made;
}

std::vector<double> times_of(const Grid& grid) {
  std::vector<double> times(grid.count);
  for (size_t i = 0; i < grid.count; ++i) times[i] = static_cast<double>(grid.at(i)) / 1000;
  return times;
}

}  // namespace

model::Labels labels_of_absent(const Expr& expr) {
  const Expr& inner = without_parens(expr);
  if (inner.kind != ExprKind::kSelector) return {};
  model::LabelsBuilder builder;
  std::vector<std::string_view> seen;
  for (const contract::LabelMatcher& matcher : as<SelectorExpr>(inner).matchers) {
    if (matcher.name == model::kMetricNameLabel) continue;
    bool again = std::find(seen.begin(), seen.end(), matcher.name) != seen.end();
    if (matcher.op == contract::MatchOp::kEqual && !again) {
      builder.set(matcher.name, matcher.value);
      seen.push_back(matcher.name);
    } else {
      builder.remove(matcher.name);
    }
  }
  return builder.build();
}

Result<StreamPtr> Evaluator::call(const CallExpr& expr, const Grid& grid) {
  Id id = expr.function->id;
  if (window_function(id) != nullptr) return range_call(expr, grid);
  if (MathFunction function = math_function(id)) {
    StreamPtr inner = CLEW_TRY(vector(*expr.args[0], grid));
    return mapped(std::move(inner), Names::kDropped, floats_only([function](double x, size_t) { return function(x); }));
  }
  if (is_date(id)) {
    StreamPtr inner = constant(times_of(grid));
    if (!expr.args.empty()) inner = CLEW_TRY(vector(*expr.args[0], grid));
    return mapped(std::move(inner), Names::kDropped, floats_only([id](double x, size_t) { return date_part(id, x); }));
  }
  switch (id) {
    case Id::kAbsent: return absent_call(expr, grid);
    case Id::kAbsentOverTime: return absent_over_time(expr, grid);
    case Id::kClamp:
    case Id::kClampMin:
    case Id::kClampMax: return clamp_call(expr, grid);
    case Id::kRound: return round_call(expr, grid);
    case Id::kSort:
    case Id::kSortDesc: return sorted(expr, grid);
    case Id::kSortByLabel:
    case Id::kSortByLabelDesc: return sorted_by_label(expr, grid);
    case Id::kTimestamp: return timestamp(expr, grid);
    case Id::kVector: {
      std::vector<double> values = CLEW_TRY(scalar(*expr.args[0], grid));
      return constant(std::move(values));
    }
    case Id::kHistogramCount:
    case Id::kHistogramSum:
    case Id::kHistogramAvg:
    case Id::kHistogramStddev:
    case Id::kHistogramStdvar: return histogram_part(expr, grid);
    case Id::kHistogramQuantile:
    case Id::kHistogramQuantiles:
    case Id::kHistogramFraction: return histogram_distribution(expr, grid);
    case Id::kLabelReplace: return label_replace(expr, grid);
    case Id::kLabelJoin: return label_join(expr, grid);
    case Id::kInfo: return info(expr, grid);
    default: return Error(Code::kInternal, fmt::format("function {} gives no instant vector", expr.function->name));
  }
}

Result<StreamPtr> Evaluator::absent_call(const CallExpr& expr, const Grid& grid) {
  StreamPtr inner = CLEW_TRY(vector(*expr.args[0], grid));
  auto made = std::make_unique<Block>();
  Block::Row row;
  row.labels = labels_of_absent(*expr.args[0]);
  row.column.values.assign(grid.count, 1);
  Scratch scratch;
  Column column;
  for (size_t series = 0; series < inner->size(); ++series) {
    CLEW_TRY(inner->read(series, column, scratch));
    for (size_t i = 0; i < grid.count; ++i) {
      if (column.present(i)) row.column.values[i] = absent();
    }
  }
  if (row.column.any()) made->rows.push_back(std::move(row));
  return StreamPtr(std::move(made));
}

Result<StreamPtr> Evaluator::clamp_call(const CallExpr& expr, const Grid& grid) {
  StreamPtr inner = CLEW_TRY(vector(*expr.args[0], grid));
  Id id = expr.function->id;
  std::vector<double> low(grid.count, -std::numeric_limits<double>::infinity());
  std::vector<double> high(grid.count, std::numeric_limits<double>::infinity());
  if (id != Id::kClampMax) low = CLEW_TRY(scalar(*expr.args[1], grid));
  if (id != Id::kClampMin) high = CLEW_TRY(scalar(*expr.args[id == Id::kClamp ? 2 : 1], grid));
  auto change = [low = std::move(low), high = std::move(high)](double x, size_t i) {
    if (high[i] < low[i]) return absent();
    if (std::isnan(low[i]) || std::isnan(high[i]) || std::isnan(x)) return std::numeric_limits<double>::quiet_NaN();
    return std::max(low[i], std::min(high[i], x));
  };
  return mapped(std::move(inner), Names::kDropped, floats_only(std::move(change)));
}

Result<StreamPtr> Evaluator::round_call(const CallExpr& expr, const Grid& grid) {
  StreamPtr inner = CLEW_TRY(vector(*expr.args[0], grid));
  std::vector<double> to(grid.count, 1);
  if (expr.args.size() > 1) to = CLEW_TRY(scalar(*expr.args[1], grid));
  auto change = [to = std::move(to)](double x, size_t i) {
    // The inverse loses less to rounding.
    double inverse = 1 / to[i];
    return std::floor(x * inverse + 0.5) / inverse;
  };
  return mapped(std::move(inner), Names::kDropped, floats_only(std::move(change)));
}

Result<StreamPtr> Evaluator::sorted(const CallExpr& expr, const Grid& grid) {
  BlockPtr made = CLEW_TRY(block(*expr.args[0], grid));
  // Series of a range query have no order of values.
  if (grid.count > 1) return StreamPtr(std::move(made));
  std::erase_if(made->rows, [](const Block::Row& row) { return is_absent(row.column.values[0]); });
  bool down = expr.function->id == Id::kSortDesc;
  std::stable_sort(made->rows.begin(), made->rows.end(), [down](const Block::Row& a, const Block::Row& b) {
    double x = a.column.values[0];
    double y = b.column.values[0];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);
    return down ? x > y : x < y;
  });
  return StreamPtr(std::move(made));
}

Result<StreamPtr> Evaluator::timestamp(const CallExpr& expr, const Grid& grid) {
  const Expr& arg = without_parens(*expr.args[0]);
  if (arg.kind == ExprKind::kSelector) {
    const auto& selected = as<SelectorExpr>(arg);
    bool pinned = selected.step_invariant && grid.count > 1;
    StreamPtr times =
        CLEW_TRY(selector(selected, pinned ? Grid{grid.start, grid.step, 1} : grid, Wanted::kTimes, "timestamp"));
    if (pinned) times = repeated(std::move(times), grid.count);
    return mapped(std::move(times), Names::kDropped, [](size_t, model::LabelsView, Column&) { return ok_status(); });
  }
  StreamPtr inner = CLEW_TRY(vector(arg, grid));
  return mapped(std::move(inner), Names::kDropped, [times = times_of(grid)](size_t, model::LabelsView, Column& column) {
    for (size_t i = 0; i < times.size(); ++i) {
      if (column.present(i)) column.values[i] = times[i];
    }
    column.histograms.clear();
    return ok_status();
  });
}

Result<std::vector<double>> Evaluator::scalar_of(const CallExpr& expr, const Grid& grid) {
  const Grid& query = context_.query_grid;
  double constant_value = 0;
  switch (expr.function->id) {
    case Id::kTime: return times_of(grid);
    case Id::kPi: constant_value = std::numbers::pi; break;
    case Id::kStart: constant_value = static_cast<double>(query.start) / 1000; break;
    case Id::kEnd: constant_value = static_cast<double>(query.end()) / 1000; break;
    case Id::kStep: constant_value = query.count > 1 ? static_cast<double>(query.step) / 1000 : 0; break;
    case Id::kRange: constant_value = static_cast<double>(query.end() - query.start) / 1000; break;
    case Id::kScalar: {
      constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
      StreamPtr inner = CLEW_TRY(vector(*expr.args[0], grid));
      std::vector<double> values(grid.count, kNan);
      std::vector<bool> found(grid.count);
      Scratch scratch;
      Column column;
      for (size_t series = 0; series < inner->size(); ++series) {
        CLEW_TRY(inner->read(series, column, scratch));
        for (size_t i = 0; i < grid.count; ++i) {
          if (is_absent(column.values[i])) continue;
          values[i] = found[i] ? kNan : column.values[i];
          found[i] = true;
        }
      }
      return values;
    }
    default: return Error(Code::kInternal, fmt::format("function {} gives no scalar", expr.function->name));
  }
  return std::vector<double>(grid.count, constant_value);
}

}  // namespace clew::query::promql
