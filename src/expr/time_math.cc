#include "expr/time_math.h"

#include <cctz/time_zone.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include "expr/coerce.h"
#include "expr/lexer.h"

namespace clew::expr {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kWeek = 7 * kNanosPerDay;
constexpr int64_t kFirstMonday = 4 * kNanosPerDay;  // 1970-01-05

// The parts that a unit is made of, largest first; amounts in months or nanoseconds.
struct Part {
  int64_t amount;
  bool months;
};
struct Unit {
  std::string_view name;
  std::array<Part, 5> parts;
  int count;
};
constexpr Part kYearPart{12, true};
constexpr Part kMonthPart{1, true};
constexpr Part kDayPart{kNanosPerDay, false};
constexpr Part kHourPart{kHour, false};
constexpr Part kMinutePart{kMinute, false};
constexpr Part kSecondPart{kSecond, false};
constexpr Part kMicroPart{1000, false};
constexpr Unit kUnits[] = {
    {"MICROSECOND", {kMicroPart}, 1},
    {"MILLISECOND", {Part{1'000'000, false}}, 1},
    {"SECOND", {kSecondPart}, 1},
    {"MINUTE", {kMinutePart}, 1},
    {"HOUR", {kHourPart}, 1},
    {"DAY", {kDayPart}, 1},
    {"WEEK", {Part{kWeek, false}}, 1},
    {"MONTH", {kMonthPart}, 1},
    {"QUARTER", {Part{3, true}}, 1},
    {"YEAR", {kYearPart}, 1},
    {"SECOND_MICROSECOND", {kSecondPart, kMicroPart}, 2},
    {"MINUTE_MICROSECOND", {kMinutePart, kSecondPart, kMicroPart}, 3},
    {"MINUTE_SECOND", {kMinutePart, kSecondPart}, 2},
    {"HOUR_MICROSECOND", {kHourPart, kMinutePart, kSecondPart, kMicroPart}, 4},
    {"HOUR_SECOND", {kHourPart, kMinutePart, kSecondPart}, 3},
    {"HOUR_MINUTE", {kHourPart, kMinutePart}, 2},
    {"DAY_MICROSECOND", {kDayPart, kHourPart, kMinutePart, kSecondPart, kMicroPart}, 5},
    {"DAY_SECOND", {kDayPart, kHourPart, kMinutePart, kSecondPart}, 4},
    {"DAY_MINUTE", {kDayPart, kHourPart, kMinutePart}, 3},
    {"DAY_HOUR", {kDayPart, kHourPart}, 2},
    {"YEAR_MONTH", {kYearPart, kMonthPart}, 2},
};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (equals_ignore_case(unit.name, name)) return &unit;
  }
  return nullptr;
}

int64_t months_of(int64_t unix_nanos) {
  CivilDate date = civil_of(floor_div(unix_nanos, kNanosPerDay));
  return date.year * 12 + date.month - 1;
}

// ns since the begin of the month.
int64_t within_month(int64_t unix_nanos) {
  int64_t days = floor_div(unix_nanos, kNanosPerDay);
  int64_t of_day = nanos_of_day(unix_nanos);
  return (civil_of(days).day - 1) * kNanosPerDay + of_day;
}

int64_t begin_of_month(int64_t months) {
  int64_t year = floor_div(months, 12);
  return days_of(year, static_cast<int>(months - year * 12) + 1, 1) * kNanosPerDay;
}

bool sane_months(int64_t months) { return months >= 1678 * 12 && months < 2262 * 12; }

std::optional<cctz::time_zone> find_zone(std::string_view name) {
  bool offset = name.size() >= 5 && (name[0] == '+' || name[0] == '-') && name.find(':') != std::string_view::npos;
  if (offset) {
    size_t colon = name.find(':');
    int hours = 0;
    int minutes = 0;
    auto h = std::from_chars(name.data() + 1, name.data() + colon, hours);
    auto m = std::from_chars(name.data() + colon + 1, name.data() + name.size(), minutes);
    bool read = h.ec == std::errc() && h.ptr == name.data() + colon && m.ec == std::errc() &&
                m.ptr == name.data() + name.size() && minutes < 60;
    int total = (hours * 60 + minutes) * (name[0] == '-' ? -1 : 1);
    constexpr int kWestMost = -(13 * 60 + 59);
    constexpr int kEastMost = 14 * 60;
    if (!read || total < kWestMost || total > kEastMost) return std::nullopt;
    return cctz::fixed_time_zone(std::chrono::seconds(total * 60));
  }
  cctz::time_zone zone;
  if (!cctz::load_time_zone(std::string(name), &zone)) return std::nullopt;
  return zone;
}

using Seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

Seconds at_seconds(int64_t unix_nanos) { return Seconds(std::chrono::seconds(floor_div(unix_nanos, kSecond))); }

// Seconds and a part of one; nothing beyond the years that nanoseconds hold.
std::optional<int64_t> nanos_of(int64_t seconds, int64_t part) {
  int64_t out = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &out) || __builtin_add_overflow(out, part, &out)) return std::nullopt;
  return out;
}

// `MM/dd/yyyy:HH:mm:ss`.
std::optional<int64_t> parse_slashed(std::string_view text) {
  if (text.size() < 19 || text[2] != '/' || text[5] != '/' || text[10] != ':') return std::nullopt;
  std::string iso(text.substr(6, 4));
  iso += '-';
  iso += text.substr(0, 2);
  iso += '-';
  iso += text.substr(3, 2);
  iso += ' ';
  iso += text.substr(11);
  return parse_timestamp(iso);
}

// @<unit>: back to the begin of the unit; @w0 to @w7 to that day of the week.
std::optional<int64_t> snap(int64_t t, std::string_view unit, int week_day) {
  if (week_day >= 0) {
    int64_t days = floor_div(t, kNanosPerDay);
    int back = (weekday_of(days) - week_day % 7 + 7) % 7;
    int64_t begin = 0;
    if (__builtin_mul_overflow(days - back, kNanosPerDay, &begin)) return std::nullopt;
    return begin;
  }
  Result<TimeUnit> parsed = parse_time_unit(unit);
  if (!parsed.ok()) return std::nullopt;
  TimeSpan one{1, *parsed};
  if (*parsed == TimeUnit::kWeek) return snap(t, unit, 0);
  return bucket_begin(t, one.calendar() ? Interval{one.months(), true} : Interval{one.nanos(), false});
}

std::string_view take_letters(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z'))) ++n;
  std::string_view letters = text.substr(0, n);
  text.remove_prefix(n);
  return letters;
}

std::optional<int64_t> snap_step(std::string_view& text, int64_t t) {
  text.remove_prefix(1);
  std::string_view unit = take_letters(text);
  int week_day = -1;
  if ((unit == "w" || unit == "W") && !text.empty() && text[0] >= '0' && text[0] <= '7') {
    week_day = text[0] - '0';
    text.remove_prefix(1);
  }
  return snap(t, unit, week_day);
}

std::optional<int64_t> shift_step(std::string_view& text, int64_t t) {
  int sign = text[0] == '-' ? -1 : 1;
  if (text[0] == '+' || text[0] == '-') text.remove_prefix(1);
  int64_t count = 1;
  if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (failed != std::errc() || count > 1'000'000'000) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
  }
  Result<TimeUnit> unit = parse_time_unit(take_letters(text));
  if (!unit.ok()) return std::nullopt;
  TimeSpan span{static_cast<double>(count), *unit};
  return plus(t, span.calendar() ? Interval{sign * span.months(), true} : Interval{sign * span.nanos(), false});
}

}  // namespace

int weekday_of(int64_t days) { return static_cast<int>(((days + 4) % 7 + 7) % 7); }

int64_t day_of_year(int64_t days) { return days - days_of(civil_of(days).year, 1, 1) + 1; }

std::string_view weekday_name(int weekday) {
  constexpr std::string_view kNames[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  return kNames[weekday];
}

std::string_view month_name(int month) {
  constexpr std::string_view kNames[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
  return kNames[month - 1];
}

// Bit 0 of the mode: weeks begin on Monday. Bit 1: days before week 1 belong to the last week of the year before
// instead of week 0. Week 1 is the first with its first weekday in the year, or the first with four days or more: which
// of both, bit 2 says, with the opposite meaning for weeks that begin on Monday.
YearWeek week_of(int64_t days, int mode) {
  bool monday_first = (mode & 1) != 0;
  bool year_before = (mode & 2) != 0;
  bool whole_week = ((mode & 4) != 0) == monday_first;
  auto position = [&](int64_t day) { return monday_first ? (weekday_of(day) + 6) % 7 : weekday_of(day); };
  // First day of week 1 of a year.
  auto first_week = [&](int64_t year) {
    int64_t new_year = days_of(year, 1, 1);
    int at = position(new_year);
    bool in_week_one = whole_week ? at == 0 : at < 4;
    return new_year - at + (in_week_one ? 0 : 7);
  };
  int64_t year = civil_of(days).year;
  if (year_before && days >= first_week(year + 1))
    return {year + 1, static_cast<int>((days - first_week(year + 1)) / 7) + 1};
  if (days >= first_week(year)) return {year, static_cast<int>((days - first_week(year)) / 7) + 1};
  if (!year_before) return {year, 0};
  return {year - 1, static_cast<int>((days - first_week(year - 1)) / 7) + 1};
}

bool is_unit(std::string_view unit) { return find_unit(unit) != nullptr; }

std::optional<Interval> make_interval(std::string_view text, std::string_view unit_name) {
  const Unit* unit = find_unit(unit_name);
  if (unit == nullptr) return std::nullopt;
  bool negative = text.find('-') < text.find_first_of("0123456789");
  Interval interval{0, unit->parts[0].months};
  if (unit->count == 1) {
    std::optional<double> amount = parse_double(text);
    if (!amount || std::fabs(*amount) * static_cast<double>(unit->parts[0].amount) > 9.2e18) return std::nullopt;
    interval.amount = interval.in_months ? std::llround(*amount) * unit->parts[0].amount
                                         : std::llround(*amount * static_cast<double>(unit->parts[0].amount));
    return interval;
  }
  // The last numbers of the text belong to the last parts.
  std::array<int64_t, 5> numbers{};
  int found = 0;
  for (size_t i = 0; i < text.size() && found < unit->count;) {
    if (text[i] < '0' || text[i] > '9') {
      ++i;
      continue;
    }
    auto [end, failed] =
        std::from_chars(text.data() + i, text.data() + text.size(), numbers[static_cast<size_t>(found)]);
    if (failed != std::errc() || numbers[static_cast<size_t>(found)] > 1'000'000'000) return std::nullopt;
    i = static_cast<size_t>(end - text.data());
    ++found;
  }
  for (int i = 0; i < found; ++i) {
    const Part& part = unit->parts[static_cast<size_t>(unit->count - found + i)];
    int64_t amount = 0;
    if (__builtin_mul_overflow(numbers[static_cast<size_t>(i)], part.amount, &amount)) return std::nullopt;
    if (__builtin_add_overflow(interval.amount, amount, &interval.amount)) return std::nullopt;
  }
  if (negative) interval.amount = -interval.amount;
  return interval;
}

std::optional<int64_t> plus(int64_t unix_nanos, Interval interval) {
  if (!interval.in_months) {
    int64_t out = 0;
    if (__builtin_add_overflow(unix_nanos, interval.amount, &out)) return std::nullopt;
    return out;
  }
  int64_t days = floor_div(unix_nanos, kNanosPerDay);
  CivilDate date = civil_of(days);
  int64_t months = 0;
  if (__builtin_add_overflow(date.year * 12 + date.month - 1, interval.amount, &months) || !sane_months(months)) {
    return std::nullopt;
  }
  int64_t year = floor_div(months, 12);
  int month = static_cast<int>(months - year * 12) + 1;
  int day = std::min(date.day, days_in_month(year, month));
  return days_of(year, month, day) * kNanosPerDay + nanos_of_day(unix_nanos);
}

std::optional<int64_t> difference(std::string_view unit_name, int64_t from, int64_t to) {
  const Unit* unit = find_unit(unit_name);
  if (unit == nullptr || unit->count != 1) return std::nullopt;
  int64_t apart = 0;
  if (!unit->parts[0].months) {
    if (__builtin_sub_overflow(to, from, &apart)) return std::nullopt;
    return apart / unit->parts[0].amount;
  }
  apart = months_of(to) - months_of(from);
  int64_t rest = within_month(to) - within_month(from);
  if (apart > 0 && rest < 0) --apart;
  if (apart < 0 && rest > 0) ++apart;
  return apart / unit->parts[0].amount;
}

std::optional<int64_t> extract_part(std::string_view unit_name, int64_t t) {
  const Unit* unit = find_unit(unit_name);
  if (unit == nullptr) return std::nullopt;
  int64_t days = floor_div(t, kNanosPerDay);
  int64_t of_day = nanos_of_day(t);
  CivilDate date = civil_of(days);
  if (equals_ignore_case(unit_name, "WEEK")) return week_of(days, 0).week;
  if (equals_ignore_case(unit_name, "QUARTER")) return (date.month + 2) / 3;
  if (equals_ignore_case(unit_name, "MILLISECOND")) return of_day % kSecond / 1'000'000;
  int64_t out = 0;
  for (int i = 0; i < unit->count; ++i) {
    const Part& part = unit->parts[static_cast<size_t>(i)];
    if (part.months) {
      out = part.amount == 12 ? date.year : out * 100 + date.month;
    } else if (part.amount == kNanosPerDay) {
      out = date.day;
    } else if (part.amount == kMicroPart.amount) {
      out = out * 1'000'000 + of_day % kSecond / 1000;
    } else {
      int64_t value = part.amount == kHour ? of_day / kHour : of_day / part.amount % 60;
      out = out * 100 + value;
    }
  }
  return out;
}

std::optional<int64_t> bucket_begin(int64_t unix_nanos, Interval width) {
  if (width.amount <= 0) return std::nullopt;
  if (width.in_months) {
    int64_t months = floor_div(months_of(unix_nanos), width.amount) * width.amount;
    if (!sane_months(months)) return std::nullopt;
    return begin_of_month(months);
  }
  int64_t origin = width.amount % kWeek == 0 ? kFirstMonday : 0;
  int64_t shifted = 0;
  int64_t begin = 0;
  if (__builtin_sub_overflow(unix_nanos, origin, &shifted)) return std::nullopt;
  if (__builtin_mul_overflow(floor_div(shifted, width.amount), width.amount, &begin)) return std::nullopt;
  return begin + origin;
}

std::optional<int64_t> months_of_period(int64_t period) {
  int64_t year = period / 100;
  int64_t month = period % 100;
  if (period <= 0 || month < 1 || month > 12 || year > 9999) return std::nullopt;
  if (year < 70) year += 2000;
  if (year < 100) year += 1900;
  return year * 12 + month - 1;
}

int64_t period_of_months(int64_t months) {
  int64_t year = floor_div(months, 12);
  return year * 100 + (months - year * 12) + 1;
}

std::optional<int64_t> from_zone(int64_t local_nanos, std::string_view name) {
  std::optional<cctz::time_zone> zone = find_zone(name);
  if (!zone) return std::nullopt;
  cctz::civil_second civil = cctz::convert(at_seconds(local_nanos), cctz::utc_time_zone());
  int64_t seconds = zone->lookup(civil).pre.time_since_epoch().count();
  return nanos_of(seconds, ((local_nanos % kSecond) + kSecond) % kSecond);
}

std::optional<int64_t> to_zone(int64_t unix_nanos, std::string_view name) {
  std::optional<cctz::time_zone> zone = find_zone(name);
  if (!zone) return std::nullopt;
  int64_t seconds = cctz::convert(at_seconds(unix_nanos), *zone) - cctz::civil_second(1970, 1, 1);
  return nanos_of(seconds, ((unix_nanos % kSecond) + kSecond) % kSecond);
}

std::optional<int64_t> parse_relative_time(std::string_view text, int64_t now) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  if (std::optional<int64_t> t = parse_timestamp(text)) return t;
  if (std::optional<int64_t> t = parse_slashed(text)) return t;
  bool number = text.find_first_not_of("0123456789.") == std::string_view::npos;
  if (number) {
    std::optional<double> seconds = parse_double(text);
    if (!seconds || *seconds > 9.2e9) return std::nullopt;
    return static_cast<int64_t>(*seconds * 1e6) * 1000;
  }
  int64_t t = now;
  if (text.size() >= 3 && equals_ignore_case(text.substr(0, 3), "now")) {
    text.remove_prefix(3);
    if (text.substr(0, 2) == "()") text.remove_prefix(2);
  }
  while (!text.empty()) {
    std::optional<int64_t> next;
    if (text[0] == '@') {
      next = snap_step(text, t);
    } else if (text[0] == '+' || text[0] == '-') {
      next = shift_step(text, t);
    }
    if (!next) return std::nullopt;
    t = *next;
  }
  return t;
}

}  // namespace clew::expr
