// The rules by which values of different types meet (docs/PPL.md section 3): parsing text, numbers, comparison.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "expr/cell.h"

namespace clew::expr {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kNanosPerDay = 86'400 * kNanosPerSecond;

// Text to values; blanks around it are allowed, anything else gives nothing.
std::optional<double> parse_double(std::string_view text);
// An integer where it is one and fits, else a double.
Cell parse_number(std::string_view text);
// `yyyy-MM-dd[ |T]HH:mm[:ss[.fraction]][Z|+hh:mm]`, a date alone being midnight; UTC when it names no zone.
std::optional<int64_t> parse_timestamp(std::string_view text);
std::optional<int64_t> parse_date(std::string_view text);  // days; a timestamp's date too
std::optional<int64_t> parse_time(std::string_view text);  // ns of the day; a timestamp's time too

// Days since the epoch of a civil date, and whether there is such a date.
int64_t days_of(int64_t year, int month, int day);
bool is_date(int64_t year, int month, int day);
struct CivilDate {
  int64_t year = 1970;
  int month = 1;
  int day = 1;
};
CivilDate civil_of(int64_t days);
int days_in_month(int64_t year, int month);
// Floor of a / b for b > 0.
constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Nanoseconds since midnight; safe for every timestamp, the first day of all included.
constexpr int64_t nanos_of_day(int64_t unix_nanos) { return (unix_nanos % kNanosPerDay + kNanosPerDay) % kNanosPerDay; }

constexpr int64_t kPowersOfTen[] = {1,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000};
constexpr uint8_t kDecimalScaleMax = 18;

double decimal_to_double(int64_t mantissa, uint8_t scale);
// Moves a mantissa to a larger scale; false, with nothing changed, when it does not fit.
bool rescale(int64_t& mantissa, uint8_t from, uint8_t to);

// As a double: numbers, booleans, text that is a number.
std::optional<double> to_double(const Cell& cell);
// As an integer: truncated towards zero; nothing when out of range.
std::optional<int64_t> to_integer(const Cell& cell);
// As nanoseconds since the epoch: timestamps, dates, text; times are of the day of `now`.
std::optional<int64_t> to_timestamp(const Cell& cell, int64_t now);

enum class Order : int8_t { kLess = -1, kEqual = 0, kGreater = 1, kNone = 2 };

// How two values stand to each other; kNone when either is null or they cannot be compared. Arrays and structs are
// compared member by member.
Order compare(const Cell& a, const Cell& b, int64_t now);
Order compare_integers(int64_t a, int64_t b);
Order compare_doubles(double a, double b);
Order compare_integer_double(int64_t a, double b);  // exact
Order compare_text(std::string_view a, std::string_view b);
Order compare_ip(std::string_view a, std::string_view b);
// Levels by severity; text that is no level is equal to text with the same letters, and has no order.
Order compare_levels(std::string_view a, std::string_view b);

// The one order of all values, by which sort, groups, min, max, percentiles and arrays go: null, booleans, numbers
// (exactly, NaN last), times of day, dates and timestamps (by their moment), intervals, texts (by their bytes),
// addresses, arrays (item by item), structs (member by member). -1, 0, 1.
int total_order(const Cell& a, const Cell& b);

// The kinds of that order.
enum class OrderRank : uint8_t {
  kNull,
  kBool,
  kNumber,
  kTimeOfDay,
  kMoment,
  kInterval,
  kText,
  kAddress,
  kArray,
  kStruct
};
OrderRank order_rank(model::Type type);  // kNumber of kMixed

// A date or timestamp in that order.
struct Moment {
  int64_t nanos = 0;   // since the epoch; the nearest there is for a date beyond all timestamps
  int64_t beyond = 0;  // then its days, else 0
};
Moment moment_of(model::Type type, int64_t lane);

// An IP address as 16 bytes (v4 mapped), big endian.
struct IpAddress {
  uint8_t bytes[16];
  bool v4 = false;
};
std::optional<IpAddress> parse_ip(std::string_view text);
std::string print_ip(const IpAddress& ip);  // canonical text
// `a.b.c.d/n` or `x::/n`.
struct IpNetwork {
  IpAddress address;
  int bits = 0;  // of the 128
};
std::optional<IpNetwork> parse_network(std::string_view text);
bool in_network(const IpAddress& ip, const IpNetwork& network);

}  // namespace clew::expr
