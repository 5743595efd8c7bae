// Arithmetic of the calendar, MySQL's way; all in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace clew::expr {

int weekday_of(int64_t days);       // 0 Sunday .. 6 Saturday
int64_t day_of_year(int64_t days);  // from 1
std::string_view weekday_name(int weekday);
std::string_view month_name(int month);

struct YearWeek {
  int64_t year = 0;
  int week = 0;
};
// WEEK's modes 0 to 7.
YearWeek week_of(int64_t days, int mode);

// An amount of months, or of nanoseconds.
struct Interval {
  int64_t amount = 0;
  bool in_months = false;
};
// Units: MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR and the joined ones (DAY_HOUR, MINUTE_SECOND ...),
// whose text holds several numbers: '1:30'.
bool is_unit(std::string_view unit);
std::optional<Interval> make_interval(std::string_view text, std::string_view unit);
// Nothing when the sum is out of range. Months keep the day, or take the month's last.
std::optional<int64_t> plus(int64_t unix_nanos, Interval interval);
// Whole units from `from` to `to`.
std::optional<int64_t> difference(std::string_view unit, int64_t from, int64_t to);
// EXTRACT(unit FROM t): joined units give joined digits, YEAR_MONTH 202302.
std::optional<int64_t> extract_part(std::string_view unit, int64_t unix_nanos);

// Begin of the bucket of that width; weeks begin on Monday, everything else at a multiple since 1970 (months since
// year 0, so that quarters and years are the calendar's).
std::optional<int64_t> bucket_begin(int64_t unix_nanos, Interval width);

// YYYYMM or YYMM.
std::optional<int64_t> months_of_period(int64_t period);
int64_t period_of_months(int64_t months);

// Zones by offset (-13:59 to +14:00) or by name. from_zone reads the clock of a zone, to_zone shows it.
std::optional<int64_t> from_zone(int64_t local_nanos, std::string_view zone);
std::optional<int64_t> to_zone(int64_t unix_nanos, std::string_view zone);

// A moment as earliest= and latest= take it: `now`, seconds since 1970, `yyyy-MM-dd HH:mm:ss`, `MM/dd/yyyy:HH:mm:ss`,
// or a chain of [+-]N<unit> and @<unit> (`-1d@d`, `+1d@month-10h`, `@w1`).
std::optional<int64_t> parse_relative_time(std::string_view text, int64_t now);

}  // namespace clew::expr
