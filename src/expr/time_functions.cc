// Functions of dates and times, with MySQL's meaning; everything is UTC.
#include <algorithm>
#include <cmath>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/lexer.h"
#include "expr/time_math.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;
using model::Vector;
using model::VectorPtr;

constexpr int64_t kMicro = 1000;
constexpr int64_t kDaysToEpoch = 719528;  // TO_DAYS('1970-01-01')
constexpr int64_t kDaysMax = 100'000;     // that are added to a timestamp: 273 years, all that nanoseconds hold
constexpr int64_t kDateDaysMax = 4'000'000;

bool is_within(int64_t value, int64_t limit) { return value > -limit && value < limit; }

std::optional<int64_t> sum_of(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

void put_int(std::optional<int64_t> v, VectorBuilder& out) {
  if (v) {
    out.add_lane(Type::kInt, *v);
  } else {
    out.add_null();
  }
}

void put_lane(Type type, std::optional<int64_t> v, VectorBuilder& out) {
  if (v) {
    out.add_lane(type, *v);
  } else {
    out.add_null();
  }
}

// ns since the epoch of anything that names a moment; a time alone is of the query's day.
std::optional<int64_t> moment(const Bound& call, const Cell& cell) {
  if (cell.type == Type::kString) {
    std::optional<int64_t> t = parse_timestamp(cell.text);
    if (t) return t;
    std::optional<int64_t> of_day = parse_time(cell.text);
    if (!of_day) return std::nullopt;
    return floor_div(call.now, kNanosPerDay) * kNanosPerDay + *of_day;
  }
  return to_timestamp(cell, call.now);
}

std::optional<int64_t> days_in(const Bound& call, const Cell& cell) {
  if (cell.type == Type::kDate) return cell.i64;
  std::optional<int64_t> t = moment(call, cell);
  if (!t) return std::nullopt;
  return floor_div(*t, kNanosPerDay);
}

// ns of the day. A date has midnight.
std::optional<int64_t> time_in(const Bound& call, const Cell& cell) {
  if (cell.type == Type::kTime) return cell.i64;
  std::optional<int64_t> t = moment(call, cell);
  if (!t) return std::nullopt;
  return nanos_of_day(*t);
}

// A part of a date or time as an integer.
template <int64_t (*kPart)(int64_t days)>
Status of_date(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = days_in(call, args[0]);
  put_int(days ? std::optional<int64_t>(kPart(*days)) : std::nullopt, out);
  return {};
}

template <int64_t (*kPart)(int64_t nanos)>
Status of_time(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> nanos = time_in(call, args[0]);
  put_int(nanos ? std::optional<int64_t>(kPart(*nanos)) : std::nullopt, out);
  return {};
}

int64_t year_of(int64_t days) { return civil_of(days).year; }
int64_t quarter_of(int64_t days) { return (civil_of(days).month + 2) / 3; }
int64_t month_of(int64_t days) { return civil_of(days).month; }
int64_t day_of(int64_t days) { return civil_of(days).day; }
int64_t sunday_is_one(int64_t days) { return weekday_of(days) + 1; }
int64_t monday_is_zero(int64_t days) { return (weekday_of(days) + 6) % 7; }
int64_t to_days(int64_t days) { return days + kDaysToEpoch; }
int64_t hour_of(int64_t nanos) { return nanos / (3600 * kNanosPerSecond); }
int64_t minute_of(int64_t nanos) { return nanos / (60 * kNanosPerSecond) % 60; }
int64_t minute_of_day(int64_t nanos) { return nanos / (60 * kNanosPerSecond); }
int64_t second_of(int64_t nanos) { return nanos / kNanosPerSecond % 60; }
int64_t microsecond_of(int64_t nanos) { return nanos % kNanosPerSecond / kMicro; }

Status time_to_sec(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> nanos = time_in(call, args[0]);
  put_lane(Type::kLong, nanos ? std::optional<int64_t>(*nanos / kNanosPerSecond) : std::nullopt, out);
  return {};
}

Status to_seconds(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = moment(call, args[0]);
  constexpr int64_t kSecondsToEpoch = kDaysToEpoch * 86400;
  put_lane(Type::kLong, t ? std::optional<int64_t>(floor_div(*t, kNanosPerSecond) + kSecondsToEpoch) : std::nullopt,
           out);
  return {};
}

Status week(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = days_in(call, args[0]);
  std::optional<int64_t> mode = args.size() > 1 ? to_integer(args[1]) : 0;
  bool known = days && mode && *mode >= 0 && *mode <= 7;
  put_int(known ? std::optional<int64_t>(week_of(*days, static_cast<int>(*mode)).week) : std::nullopt, out);
  return {};
}

Status year_week(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = days_in(call, args[0]);
  std::optional<int64_t> mode = args.size() > 1 ? to_integer(args[1]) : 0;
  if (!days || !mode || *mode < 0 || *mode > 7) {
    out.add_null();
    return {};
  }
  // Weeks of the year before are counted in that year: modes 2, 3, 6 and 7 do so.
  YearWeek found = week_of(*days, static_cast<int>(*mode) | 2);
  put_int(found.year * 100 + found.week, out);
  return {};
}

template <bool kMonth>
Status name_of(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = days_in(call, args[0]);
  if (!days) {
    out.add_null();
  } else {
    out.add_string(kMonth ? month_name(civil_of(*days).month) : weekday_name(weekday_of(*days)));
  }
  return {};
}

Status last_day(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = days_in(call, args[0]);
  if (!days) {
    out.add_null();
    return {};
  }
  CivilDate date = civil_of(*days);
  out.add_lane(Type::kDate, days_of(date.year, date.month, days_in_month(date.year, date.month)));
  return {};
}

Status make_date(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> year = to_double(args[0]);
  std::optional<double> day = to_double(args[1]);
  if (!year || !day || *year < 0 || *year > 9999 || *day < 1 || *day > 4e6) {
    out.add_null();
    return {};
  }
  int64_t of_year = std::llround(*year);
  if (of_year == 0) of_year = 2000;
  out.add_lane(Type::kDate, days_of(of_year, 1, 1) + std::llround(*day) - 1);
  (void)call;
  return {};
}

Status make_time(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> hour = to_double(args[0]);
  std::optional<double> minute = to_double(args[1]);
  std::optional<double> second = to_double(args[2]);
  bool known = hour && minute && second && *hour >= 0 && *hour < 24 && *minute >= 0 && *minute < 60 && *second >= 0 &&
               *second < 60;
  if (!known) {
    out.add_null();
    return {};
  }
  int64_t nanos = (std::llround(*hour) * 3600 + std::llround(*minute) * 60) * kNanosPerSecond;
  out.add_lane(Type::kTime, nanos + std::llround(*second * 1e9));
  return {};
}

Status now_timestamp(const Bound& call, std::span<const Cell>, VectorBuilder& out) {
  out.add_lane(Type::kTimestamp, floor_div(call.now, kNanosPerSecond) * kNanosPerSecond);
  return {};
}

// sysdate(digits): with a fraction of so many digits.
Status system_time(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> digits = args.empty() ? 0 : to_integer(args[0]);
  int64_t unit = kPowersOfTen[9 - std::clamp<int64_t>(digits.value_or(0), 0, 6)];
  out.add_lane(Type::kTimestamp, floor_div(call.now, unit) * unit);
  return {};
}

Status now_date(const Bound& call, std::span<const Cell>, VectorBuilder& out) {
  out.add_lane(Type::kDate, floor_div(call.now, kNanosPerDay));
  return {};
}

Status now_time(const Bound& call, std::span<const Cell>, VectorBuilder& out) {
  int64_t of_day = nanos_of_day(call.now);
  out.add_lane(Type::kTime, of_day / kNanosPerSecond * kNanosPerSecond);
  return {};
}

Status date(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (args[0].type == Type::kString) {
    put_lane(Type::kDate, parse_date(args[0].text), out);
  } else {
    put_lane(Type::kDate, days_in(call, args[0]), out);
  }
  return {};
}

Status time(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (args[0].type == Type::kString) {
    put_lane(Type::kTime, parse_time(args[0].text), out);
  } else {
    put_lane(Type::kTime, time_in(call, args[0]), out);
  }
  return {};
}

// timestamp(x [, time to add]).
Status timestamp(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = moment(call, args[0]);
  std::optional<int64_t> more = args.size() > 1 ? time_in(call, args[1]) : 0;
  put_lane(Type::kTimestamp, t && more ? sum_of(*t, *more) : std::nullopt, out);
  return {};
}

// datetime(text [, zone]): the moment, shown on the clock of the zone.
Status datetime(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = moment(call, args[0]);
  if (t && args.size() > 1) t = to_zone(*t, args[1].text);
  put_lane(Type::kTimestamp, t, out);
  return {};
}

Status convert_zone(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = moment(call, args[0]);
  if (t) t = from_zone(*t, args[1].text);
  if (t) t = to_zone(*t, args[2].text);
  put_lane(Type::kTimestamp, t, out);
  return {};
}

Status from_days(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = to_integer(args[0]);
  bool known = days && is_within(*days, kDateDaysMax);
  put_lane(Type::kDate, known ? std::optional<int64_t>(*days - kDaysToEpoch) : std::nullopt, out);
  return {};
}

// A number YYMMDD, YYYYMMDD, YYMMDDhhmmss or YYYYMMDDhhmmss as MySQL reads it.
std::optional<int64_t> moment_of_digits(double number) {
  if (!(number >= 101 && number < 1e14)) return std::nullopt;
  auto digits = static_cast<int64_t>(number);
  int64_t of_day = 0;
  if (digits > 99'999'999) {
    of_day = digits % 100 + digits / 100 % 100 * 60 + digits / 10000 % 100 * 3600;
    if (digits % 100 > 59 || digits / 100 % 100 > 59 || digits / 10000 % 100 > 23) return std::nullopt;
    digits /= 1'000'000;
  }
  int64_t year = digits / 10000;
  if (year < 70) year += 2000;
  if (year < 100) year += 1900;
  auto month = static_cast<int>(digits / 100 % 100);
  auto day = static_cast<int>(digits % 100);
  if (!is_date(year, month, day) || year < 1678 || year > 2261) return std::nullopt;
  return days_of(year, month, day) * kNanosPerDay + of_day * kNanosPerSecond;
}

Status unix_timestamp(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = call.now;
  if (!args.empty()) {
    t = is_number(args[0].type) ? moment_of_digits(*to_double(args[0])) : moment(call, args[0]);
  }
  if (!t) {
    out.add_null();
  } else if (args.empty()) {
    out.add_lane(Type::kLong, floor_div(*t, kNanosPerSecond));
  } else {
    out.add_real(static_cast<double>(*t / kMicro) / 1e6);
  }
  return {};
}

Status seconds_to_time(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> seconds = to_double(args[0]);
  if (!seconds || std::fabs(*seconds) > 1e9) {
    out.add_null();
    return {};
  }
  int64_t nanos = std::llround(*seconds * 1e6) * kMicro;
  out.add_lane(Type::kTime, nanos_of_day(nanos));
  return {};
}

Status period_add(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> period = to_integer(args[0]);
  std::optional<int64_t> months = to_integer(args[1]);
  std::optional<int64_t> first = period ? months_of_period(*period) : std::nullopt;
  bool known = first && months && is_within(*months, 1'000'000);
  put_int(known ? std::optional<int64_t>(period_of_months(*first + *months)) : std::nullopt, out);
  return {};
}

Status period_diff(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> a = to_integer(args[0]);
  std::optional<int64_t> b = to_integer(args[1]);
  if (a) a = months_of_period(*a);
  if (b) b = months_of_period(*b);
  put_int(a && b ? std::optional<int64_t>(*a - *b) : std::nullopt, out);
  return {};
}

Status interval(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::optional<Interval> made = make_interval(text_of(args[0], buffer), args[1].text);
  if (!made)
    return evaluation_error("interval of " + quoted(text_of(args[0], buffer)) + " " + std::string(args[1].text));
  Cell cell;
  cell.type = Type::kInterval;
  cell.scale = made->in_months ? 1 : 0;
  cell.i64 = made->amount;
  out.add(cell);
  return {};
}

Status shift(const Bound& call, const Cell& when, const Cell& by, int sign, VectorBuilder& out) {
  std::optional<int64_t> t = moment(call, when);
  if (t && by.type == Type::kInterval) {
    t = plus(*t, {sign * by.i64, by.scale == 1});
  } else if (t) {
    std::optional<int64_t> days = to_integer(by);
    t = days && is_within(*days, kDaysMax) ? plus(*t, {sign * *days * kNanosPerDay, false}) : std::nullopt;
  }
  put_lane(Type::kTimestamp, t, out);
  return {};
}

Status date_add(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  return shift(call, args[0], args[1], 1, out);
}

Status date_sub(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  return shift(call, args[0], args[1], -1, out);
}

// adddate(date, n) counts days and stays a date when it was one.
template <int kSign>
Status add_days(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> days = args[1].type == Type::kInterval ? std::nullopt : to_integer(args[1]);
  if (args[0].type == Type::kDate && days && is_within(*days, kDateDaysMax)) {
    out.add_lane(Type::kDate, args[0].i64 + kSign * *days);
    return {};
  }
  return shift(call, args[0], args[1], kSign, out);
}

// addtime(a, b): the time of day of b is added; the result is a time when a is one.
template <int kSign>
Status add_time(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> by = time_in(call, args[1]);
  bool of_day = args[0].type == Type::kTime || (args[0].type == Type::kString && !parse_timestamp(args[0].text));
  std::optional<int64_t> base = of_day ? time_in(call, args[0]) : moment(call, args[0]);
  if (!by || !base) {
    out.add_null();
    return {};
  }
  std::optional<int64_t> sum = sum_of(*base, kSign * *by);
  if (sum && of_day) sum = nanos_of_day(*sum);
  put_lane(of_day ? Type::kTime : Type::kTimestamp, sum, out);
  return {};
}

Status date_difference(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> a = days_in(call, args[0]);
  std::optional<int64_t> b = days_in(call, args[1]);
  put_lane(Type::kLong, a && b ? std::optional<int64_t>(*a - *b) : std::nullopt, out);
  return {};
}

Status time_difference(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> a = time_in(call, args[0]);
  std::optional<int64_t> b = time_in(call, args[1]);
  put_lane(Type::kTime, a && b ? std::optional<int64_t>(*a - *b) : std::nullopt, out);
  return {};
}

Status timestamp_add(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> count = to_integer(args[1]);
  std::optional<int64_t> t = moment(call, args[2]);
  std::optional<Interval> by;
  if (count) by = make_interval(std::to_string(*count), args[0].text);
  put_lane(Type::kTimestamp, t && by ? plus(*t, *by) : std::nullopt, out);
  return {};
}

Status timestamp_diff(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> from = moment(call, args[1]);
  std::optional<int64_t> to = moment(call, args[2]);
  put_lane(Type::kLong, from && to ? difference(args[0].text, *from, *to) : std::nullopt, out);
  return {};
}

Status extract(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = args[1].type == Type::kTime ? args[1].i64 : moment(call, args[1]);
  put_lane(Type::kLong, t ? extract_part(args[0].text, *t) : std::nullopt, out);
  return {};
}

Result<std::shared_ptr<const void>> check_unit(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  bool known = is_constant(*args[0]) && args[0]->type == Type::kString && is_unit(args[0]->constant.text());
  if (known) return std::shared_ptr<const void>();
  return binder.fail(args[0]->span, kSemanticError, "unknown unit of time");
}

Result<std::shared_ptr<const void>> check_interval(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  bool known = is_constant(*args[1]) && args[1]->type == Type::kString && is_unit(args[1]->constant.text());
  if (known) return std::shared_ptr<const void>();
  return binder.fail(args[1]->span, kSemanticError, "unknown unit of time");
}

// span(x, width): the lower end of the bucket. Numbers by numbers, times by `5m`.
Status span_of(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  const Cell& x = args[0];
  const Cell& width = args[1];
  if (width.type == Type::kInterval) {
    std::optional<int64_t> t = x.type == Type::kTime ? std::optional<int64_t>(x.i64) : moment(call, x);
    if (t) t = bucket_begin(*t, {width.i64, width.scale == 1});
    put_lane(x.type == Type::kTime ? Type::kTime : Type::kTimestamp, t, out);
    return {};
  }
  if (is_integer(x.type) && is_integer(width.type)) {
    int64_t begin = 0;
    if (width.i64 <= 0 || __builtin_mul_overflow(floor_div(x.i64, width.i64), width.i64, &begin)) {
      out.add_null();
    } else {
      out.add_lane(x.type, begin);
    }
    return {};
  }
  std::optional<double> value = to_double(x);
  std::optional<double> step = to_double(width);
  if (!value || !step || *step <= 0) {
    out.add_null();
  } else {
    out.add_real(std::floor(*value / *step) * *step);
  }
  return {};
}

Result<VectorPtr> span_vector(const Bound&, std::span<const VectorPtr> args, uint32_t rows) {
  const Vector& x = *args[0];
  const Vector& width = *args[1];
  bool times = x.type == Type::kTimestamp && width.type == Type::kInterval && width.scale == 0;
  bool integers = is_integer(x.type) && is_integer(width.type);
  bool lanes = x.layout == model::Layout::kFlat && width.layout == model::Layout::kConst;
  if (!lanes || !(times || integers) || width.is_null(0) || width.i64[0] <= 0) return VectorPtr();
  Vector out;
  out.type = x.type;
  out.layout = model::Layout::kFlat;
  out.size = rows;
  out.nulls = x.nulls;
  out.i64.resize(rows);
  int64_t step = width.i64[0];
  int64_t begin = 0;  // of the bucket found last: neighbours in time share it
  int64_t end = 0;
  for (uint32_t i = 0; i < rows; ++i) {
    int64_t v = x.i64[i];
    if (v < begin || v >= end) {
      if (v < INT64_MIN + step || v > INT64_MAX - step) return VectorPtr();
      begin = times ? *bucket_begin(v, {step, false}) : floor_div(v, step) * step;
      end = begin + step;
    }
    out.i64[i] = begin;
  }
  return std::make_shared<const Vector>(std::move(out));
}

Type span_type(std::span<const BoundPtr> args) {
  if (args[1]->type != Type::kInterval) {
    return args[0]->type == Type::kMixed ? Type::kMixed : common_type(args[0]->type, args[1]->type);
  }
  return args[0]->type == Type::kTime ? Type::kTime : Type::kTimestamp;
}

Result<std::shared_ptr<const void>> check_span(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  const Bound& width = *args[1];
  bool fixed = is_constant(width) && (width.type == Type::kInterval || is_number(width.type));
  Cell cell = fixed ? cell_of(width.constant) : Cell();
  bool positive = fixed && (width.type == Type::kInterval ? cell.i64 > 0 : *to_double(cell) > 0);
  if (positive) return std::shared_ptr<const void>();
  return binder.fail(width.span, kSemanticError,
                     "the width of a span must be a number or a time above zero, as 10 or 5m");
}

// earliest('-1d@d', t): t is at that moment or after it; latest: at it or before it. Both ends are inclusive.
Result<std::shared_ptr<const void>> prepare_bound(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  bool text = is_constant(*args[0]) && args[0]->type == Type::kString;
  std::optional<int64_t> bound;
  if (text) bound = parse_relative_time(args[0]->constant.text(), binder.options().now);
  if (bound) return std::shared_ptr<const void>(std::make_shared<const int64_t>(*bound));
  std::string what = text ? quoted(args[0]->constant.text()) : "a value that is no constant text";
  return binder.fail(args[0]->span, kSemanticError,
                     "not a time: " + what + "; write now, -1d@d or 2024-02-01 09:10:00");
}

template <bool kEarliest>
Status bounded(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  int64_t bound = *static_cast<const int64_t*>(call.prepared.get());
  std::optional<int64_t> t = moment(call, args[1]);
  if (!t) {
    out.add_null();
  } else {
    out.add_bool(kEarliest ? *t >= bound : *t <= bound);
  }
  return {};
}

constexpr TypeRule kInteger = always<Type::kInt>;
constexpr TypeRule kLong = always<Type::kLong>;
constexpr TypeRule kText = always<Type::kString>;
constexpr TypeRule kDate = always<Type::kDate>;
constexpr TypeRule kTime = always<Type::kTime>;
constexpr TypeRule kTimestamp = always<Type::kTimestamp>;

Type add_time_type(std::span<const BoundPtr> args) {
  if (args[0]->type == Type::kMixed || args[0]->type == Type::kString) return Type::kMixed;
  return args[0]->type == Type::kTime ? Type::kTime : Type::kTimestamp;
}

Type add_days_type(std::span<const BoundPtr> args) {
  if (args[0]->type == Type::kMixed) return Type::kMixed;
  return args[0]->type == Type::kDate && args[1]->type != Type::kInterval ? Type::kDate : Type::kTimestamp;
}

constexpr FunctionDef kTable[] = {
    {"adddate", 2, 2, add_days_type, add_days<1>},
    {"subdate", 2, 2, add_days_type, add_days<-1>},
    {"date_add", 2, 2, kTimestamp, date_add},
    {"date_sub", 2, 2, kTimestamp, date_sub},
    {"addtime", 2, 2, add_time_type, add_time<1>},
    {"subtime", 2, 2, add_time_type, add_time<-1>},
    {"convert_tz", 3, 3, kTimestamp, convert_zone},
    {"curdate", 0, 0, kDate, now_date},
    {"current_date", 0, 0, kDate, now_date},
    {"utc_date", 0, 0, kDate, now_date},
    {"curtime", 0, 0, kTime, now_time},
    {"current_time", 0, 0, kTime, now_time},
    {"utc_time", 0, 0, kTime, now_time},
    {"now", 0, 0, kTimestamp, now_timestamp},
    {"current_timestamp", 0, 0, kTimestamp, now_timestamp},
    {"localtime", 0, 0, kTimestamp, now_timestamp},
    {"localtimestamp", 0, 0, kTimestamp, now_timestamp},
    {"utc_timestamp", 0, 0, kTimestamp, now_timestamp},
    {"sysdate", 0, 1, kTimestamp, system_time},
    {"date", 1, 1, kDate, date},
    {"time", 1, 1, kTime, time},
    {"timestamp", 1, 2, kTimestamp, timestamp},
    {"datetime", 1, 2, kTimestamp, datetime},
    {"datediff", 2, 2, kLong, date_difference},
    {"timediff", 2, 2, kTime, time_difference},
    {"timestampadd", 3, 3, kTimestamp, timestamp_add, kKeywords, nullptr, check_unit},
    {"timestampdiff", 3, 3, kLong, timestamp_diff, kKeywords, nullptr, check_unit},
    {"extract", 2, 2, kLong, extract, kKeywords, nullptr, check_unit},
    {"interval", 2, 2, always<Type::kInterval>, interval, kKeywords, nullptr, check_interval},
    {"year", 1, 1, kInteger, of_date<year_of>},
    {"quarter", 1, 1, kInteger, of_date<quarter_of>},
    {"month", 1, 1, kInteger, of_date<month_of>},
    {"month_of_year", 1, 1, kInteger, of_date<month_of>},
    {"day", 1, 1, kInteger, of_date<day_of>},
    {"dayofmonth", 1, 1, kInteger, of_date<day_of>},
    {"day_of_month", 1, 1, kInteger, of_date<day_of>},
    {"dayofweek", 1, 1, kInteger, of_date<sunday_is_one>},
    {"day_of_week", 1, 1, kInteger, of_date<sunday_is_one>},
    {"weekday", 1, 1, kInteger, of_date<monday_is_zero>},
    {"dayofyear", 1, 1, kInteger, of_date<day_of_year>},
    {"day_of_year", 1, 1, kInteger, of_date<day_of_year>},
    {"to_days", 1, 1, kInteger, of_date<to_days>},
    {"hour", 1, 1, kInteger, of_time<hour_of>},
    {"hour_of_day", 1, 1, kInteger, of_time<hour_of>},
    {"minute", 1, 1, kInteger, of_time<minute_of>},
    {"minute_of_hour", 1, 1, kInteger, of_time<minute_of>},
    {"minute_of_day", 1, 1, kInteger, of_time<minute_of_day>},
    {"second", 1, 1, kInteger, of_time<second_of>},
    {"second_of_minute", 1, 1, kInteger, of_time<second_of>},
    {"microsecond", 1, 1, kInteger, of_time<microsecond_of>},
    {"time_to_sec", 1, 1, kLong, time_to_sec},
    {"to_seconds", 1, 1, kLong, to_seconds},
    {"week", 1, 2, kInteger, week},
    {"weekofyear", 1, 2, kInteger, week},
    {"week_of_year", 1, 2, kInteger, week},
    {"yearweek", 1, 2, kInteger, year_week},
    {"dayname", 1, 1, kText, name_of<false>},
    {"monthname", 1, 1, kText, name_of<true>},
    {"last_day", 1, 1, kDate, last_day},
    {"makedate", 2, 2, kDate, make_date},
    {"maketime", 3, 3, kTime, make_time},
    {"from_days", 1, 1, kDate, from_days},
    {"unix_timestamp", 0, 1, always<Type::kDouble>, unix_timestamp},
    {"sec_to_time", 1, 1, kTime, seconds_to_time},
    {"period_add", 2, 2, kInteger, period_add},
    {"period_diff", 2, 2, kInteger, period_diff},
    {"span", 2, 2, span_type, span_of, 0, span_vector, check_span},
    {"earliest", 2, 2, always<Type::kBool>, bounded<true>, 0, nullptr, prepare_bound},
    {"latest", 2, 2, always<Type::kBool>, bounded<false>, 0, nullptr, prepare_bound},
};

}  // namespace

std::span<const FunctionDef> time_functions() { return kTable; }

}  // namespace clew::expr
