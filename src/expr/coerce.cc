#include "expr/coerce.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

#include "model/canonical.h"

namespace clew::expr {
namespace {

using model::Type;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<uint8_t>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<uint8_t>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes `min` to `max` digits off the front.
std::optional<int64_t> take_digits(std::string_view& text, size_t min, size_t max) {
  size_t n = 0;
  int64_t v = 0;
  while (n < max && n < text.size() && is_digit(text[n])) v = v * 10 + (text[n++] - '0');
  if (n < min) return std::nullopt;
  text.remove_prefix(n);
  return v;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int64_t> take_date(std::string_view& text) {
  std::optional<int64_t> year = take_digits(text, 4, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  std::optional<int64_t> month = take_digits(text, 1, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  std::optional<int64_t> day = take_digits(text, 1, 2);
  if (!day || !is_date(*year, static_cast<int>(*month), static_cast<int>(*day))) return std::nullopt;
  return days_of(*year, static_cast<int>(*month), static_cast<int>(*day));
}

std::optional<int64_t> take_fraction(std::string_view& text) {
  int64_t nanos = 0;
  int digits = 0;
  while (!text.empty() && is_digit(text.front())) {
    if (digits < 9) nanos = nanos * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

std::optional<int64_t> take_time(std::string_view& text) {
  std::optional<int64_t> hour = take_digits(text, 1, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  std::optional<int64_t> minute = take_digits(text, 1, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t nanos = (*hour * 3600 + *minute * 60) * kNanosPerSecond;
  if (!take(text, ':')) return nanos;
  std::optional<int64_t> second = take_digits(text, 1, 2);
  if (!second || *second > 59) return std::nullopt;
  nanos += *second * kNanosPerSecond;
  if (!take(text, '.')) return nanos;
  std::optional<int64_t> fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  return nanos + *fraction;
}

// `Z`, `+hh:mm`, `+hhmm` or nothing; the nanoseconds east of UTC.
std::optional<int64_t> take_zone(std::string_view& text) {
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return 0;
  bool west = text.front() == '-';
  if (!west && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  std::optional<int64_t> hours = take_digits(text, 2, 2);
  take(text, ':');
  std::optional<int64_t> minutes = text.empty() ? std::optional<int64_t>(0) : take_digits(text, 2, 2);
  if (!hours || !minutes || *hours > 18 || *minutes > 59) return std::nullopt;
  int64_t nanos = (*hours * 3600 + *minutes * 60) * kNanosPerSecond;
  return west ? -nanos : nanos;
}

Order of_int(int v) { return v < 0 ? Order::kLess : v > 0 ? Order::kGreater : Order::kEqual; }

Order compare_decimals(const Cell& a, const Cell& b) {
  __extension__ using Wide = __int128;
  Wide x = static_cast<Wide>(a.i64) * kPowersOfTen[kDecimalScaleMax - a.scale];
  Wide y = static_cast<Wide>(b.i64) * kPowersOfTen[kDecimalScaleMax - b.scale];
  return x < y ? Order::kLess : x > y ? Order::kGreater : Order::kEqual;
}

Cell integer_as_decimal(const Cell& cell) {
  Cell out = cell;
  out.type = Type::kDecimal;
  out.scale = 0;
  return out;
}

bool is_integer_like(Type t) { return is_integer(t) || t == Type::kBool; }

Order flipped(Order o) { return o == Order::kLess ? Order::kGreater : o == Order::kGreater ? Order::kLess : o; }

Order compare_numbers(const Cell& a, const Cell& b) {
  if (is_integer_like(a.type) && is_integer_like(b.type)) return compare_integers(a.i64, b.i64);
  if (is_real(a.type) && is_real(b.type)) return compare_doubles(a.f64, b.f64);
  if (is_integer_like(a.type) && is_real(b.type)) return compare_integer_double(a.i64, b.f64);
  if (is_real(a.type) && is_integer_like(b.type)) return flipped(compare_integer_double(b.i64, a.f64));
  if (a.type == Type::kULong && b.type == Type::kULong) {
    uint64_t x = static_cast<uint64_t>(a.i64);
    uint64_t y = static_cast<uint64_t>(b.i64);
    return x < y ? Order::kLess : x > y ? Order::kGreater : Order::kEqual;
  }
  if (a.type == Type::kULong && is_integer_like(b.type)) {
    if (b.i64 < 0 || a.i64 < 0) return Order::kGreater;
    return compare_integers(a.i64, b.i64);
  }
  if (b.type == Type::kULong && is_integer_like(a.type)) return flipped(compare_numbers(b, a));
  if (a.type == Type::kDecimal && b.type == Type::kDecimal) return compare_decimals(a, b);
  if (a.type == Type::kDecimal && is_integer_like(b.type)) return compare_decimals(a, integer_as_decimal(b));
  if (b.type == Type::kDecimal && is_integer_like(a.type)) return compare_decimals(integer_as_decimal(a), b);
  return compare_doubles(*to_double(a), *to_double(b));
}

Order compare_nested(const Cell& a, const Cell& b) { return of_int(total_order(a, b)); }

// Text beside a value of another type is read as that type.
Order compare_with_text(const Cell& typed, std::string_view text, int64_t now) {
  switch (typed.type) {
    case Type::kTimestamp: {
      std::optional<int64_t> t = parse_timestamp(text);
      return t ? compare_integers(typed.i64, *t) : Order::kNone;
    }
    case Type::kDate: {
      std::optional<int64_t> moment = to_timestamp(typed, now);
      std::optional<int64_t> t = parse_timestamp(text);
      if (moment && t) return compare_integers(*moment, *t);
      std::optional<int64_t> days = parse_date(text);
      return days ? compare_integers(typed.i64, *days) : Order::kNone;
    }
    case Type::kTime: {
      std::optional<int64_t> t = parse_time(text);
      return t ? compare_integers(typed.i64, *t) : Order::kNone;
    }
    case Type::kBool: {
      text = trimmed(text);
      bool yes = text.size() == 4 && (text[0] == 't' || text[0] == 'T');
      bool no = text.size() == 5 && (text[0] == 'f' || text[0] == 'F');
      if (!yes && !no) return Order::kNone;
      return compare_integers(typed.i64, yes ? 1 : 0);
    }
    case Type::kIp: return compare_ip(typed.text, text);
    default: {
      std::optional<double> v = parse_double(text);
      if (!v || !is_number(typed.type)) return Order::kNone;
      Cell number;
      number.type = Type::kDouble;
      number.f64 = *v;
      return compare_numbers(typed, number);
    }
  }
}

int sign_of(Order o) { return static_cast<int>(o); }

int order_numbers(const Cell& a, const Cell& b) {
  Order order = compare_numbers(a, b);
  if (order != Order::kNone) return sign_of(order);
  bool a_nan = is_real(a.type) && std::isnan(a.f64);
  bool b_nan = is_real(b.type) && std::isnan(b.f64);
  return a_nan == b_nan ? 0 : a_nan ? 1 : -1;
}

// What is no address stands behind the addresses; one address written in two ways is ordered by its text.
int order_addresses(std::string_view a, std::string_view b) {
  std::optional<IpAddress> x = parse_ip(a);
  std::optional<IpAddress> y = parse_ip(b);
  if (x.has_value() != y.has_value()) return x ? -1 : 1;
  int order = x ? std::memcmp(x->bytes, y->bytes, sizeof x->bytes) : 0;
  return order != 0 ? (order < 0 ? -1 : 1) : sign_of(compare_text(a, b));
}

int order_members(const model::Members& a, const model::Members& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    int names = a[i].first.compare(b[i].first);
    if (names != 0) return names < 0 ? -1 : 1;
    int values = total_order(cell_of(a[i].second), cell_of(b[i].second));
    if (values != 0) return values;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

int order_items(const model::Values& a, const model::Values& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    int values = total_order(cell_of(a[i]), cell_of(b[i]));
    if (values != 0) return values;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

}  // namespace

std::optional<double> parse_double(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double v = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  if (failed == std::errc::result_out_of_range)
    return std::strtod(std::string(text).c_str(), nullptr);  // 0 or infinite
  if (failed != std::errc()) return std::nullopt;
  return v;
}

Cell parse_number(std::string_view text) {
  text = trimmed(text);
  Cell cell;
  int64_t v = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (!text.empty() && failed == std::errc() && end == text.data() + text.size()) {
    cell.type = v == static_cast<int32_t>(v) ? Type::kInt : Type::kLong;
    cell.i64 = v;
  } else if (std::optional<double> real = parse_double(text)) {
    cell.type = Type::kDouble;
    cell.f64 = *real;
  }
  return cell;
}

int64_t days_of(int64_t year, int month, int day) {
  // Howard Hinnant's civil calendar: years begin in March, so that the leap day is the last.
  year -= month <= 2 ? 1 : 0;
  int64_t era = floor_div(year, 400);
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

CivilDate civil_of(int64_t days) {
  days += 719468;
  int64_t era = floor_div(days, 146097);
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  date.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

int days_in_month(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool is_date(int64_t year, int month, int day) {
  return year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

std::optional<int64_t> parse_timestamp(std::string_view text) {
  text = trimmed(text);
  std::optional<int64_t> days = take_date(text);
  if (!days) return std::nullopt;
  int64_t nanos = 0;
  if (!text.empty()) {
    if (!take(text, 'T') && !take(text, ' ') && !take(text, 't')) return std::nullopt;
    std::optional<int64_t> time = take_time(text);
    if (!time) return std::nullopt;
    std::optional<int64_t> east = take_zone(text);
    if (!east || !text.empty()) return std::nullopt;
    nanos = *time - *east;
  }
  int64_t out = 0;
  if (__builtin_mul_overflow(*days, kNanosPerDay, &out) || __builtin_add_overflow(out, nanos, &out)) {
    return std::nullopt;
  }
  return out;
}

std::optional<int64_t> parse_date(std::string_view text) {
  text = trimmed(text);
  std::string_view rest = text;
  std::optional<int64_t> days = take_date(rest);
  if (!days || rest.empty()) return days;
  std::optional<int64_t> t = parse_timestamp(text);
  if (!t) return std::nullopt;
  return floor_div(*t, kNanosPerDay);
}

std::optional<int64_t> parse_time(std::string_view text) {
  text = trimmed(text);
  std::string_view rest = text;
  std::optional<int64_t> time = take_time(rest);
  if (time && rest.empty()) return time;
  std::optional<int64_t> t = parse_timestamp(text);
  if (!t) return std::nullopt;
  return nanos_of_day(*t);
}

double decimal_to_double(int64_t mantissa, uint8_t scale) {
  // Both numbers are exact up to 2^53 and 10^22, so that one division rounds correctly. Longer mantissas go by their
  // text.
  constexpr int64_t kExact = int64_t{1} << 53;
  if (mantissa > -kExact && mantissa < kExact) {
    return static_cast<double>(mantissa) / static_cast<double>(kPowersOfTen[std::min(scale, kDecimalScaleMax)]);
  }
  std::string text = std::to_string(mantissa) + "e-" + std::to_string(scale);
  return parse_double(text).value_or(0);
}

bool rescale(int64_t& mantissa, uint8_t from, uint8_t to) {
  if (to > kDecimalScaleMax || to < from) return false;
  return !__builtin_mul_overflow(mantissa, kPowersOfTen[to - from], &mantissa);
}

std::optional<double> to_double(const Cell& cell) {
  switch (cell.type) {
    case Type::kBool:
    case Type::kInt:
    case Type::kLong: return static_cast<double>(cell.i64);
    case Type::kULong: return static_cast<double>(static_cast<uint64_t>(cell.i64));
    case Type::kDouble:
    case Type::kFloat: return cell.f64;
    case Type::kDecimal: return decimal_to_double(cell.i64, cell.scale);
    case Type::kString: return parse_double(cell.text);
    default: return std::nullopt;
  }
}

std::optional<int64_t> to_integer(const Cell& cell) {
  switch (cell.type) {
    case Type::kBool:
    case Type::kInt:
    case Type::kLong: return cell.i64;
    case Type::kULong: return cell.i64 < 0 ? std::nullopt : std::optional<int64_t>(cell.i64);
    case Type::kDecimal: return cell.i64 / kPowersOfTen[cell.scale];
    case Type::kString: {
      Cell number = parse_number(cell.text);
      if (number.is_null()) return std::nullopt;
      return to_integer(number);
    }
    case Type::kDouble:
    case Type::kFloat:
      if (!(cell.f64 > -9.3e18 && cell.f64 < 9.2e18)) return std::nullopt;
      if (cell.f64 < -9223372036854775808.0) return std::nullopt;
      return static_cast<int64_t>(cell.f64);
    default: return std::nullopt;
  }
}

std::optional<int64_t> to_timestamp(const Cell& cell, int64_t now) {
  int64_t out = 0;
  switch (cell.type) {
    case Type::kTimestamp: return cell.i64;
    case Type::kDate:
      if (__builtin_mul_overflow(cell.i64, kNanosPerDay, &out)) return std::nullopt;
      return out;
    case Type::kTime: return floor_div(now, kNanosPerDay) * kNanosPerDay + cell.i64;
    case Type::kString: return parse_timestamp(cell.text);
    default: return std::nullopt;
  }
}

Order compare_integers(int64_t a, int64_t b) { return a < b ? Order::kLess : a > b ? Order::kGreater : Order::kEqual; }

Order compare_doubles(double a, double b) {
  return a < b ? Order::kLess : a > b ? Order::kGreater : a == b ? Order::kEqual : Order::kNone;
}

Order compare_integer_double(int64_t a, double b) {
  if (std::isnan(b)) return Order::kNone;
  if (b >= 9223372036854775808.0) return Order::kLess;
  if (b < -9223372036854775808.0) return Order::kGreater;
  double whole = std::trunc(b);
  int64_t truncated = static_cast<int64_t>(whole);
  if (a != truncated) return compare_integers(a, truncated);
  return compare_doubles(0, b - whole);
}

Order compare_text(std::string_view a, std::string_view b) { return of_int(a.compare(b)); }

std::optional<IpAddress> parse_ip(std::string_view text) {
  char buffer[64];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  IpAddress ip{};
  if (text.find(':') == std::string_view::npos) {
    if (inet_pton(AF_INET, buffer, ip.bytes + 12) != 1) return std::nullopt;
    ip.bytes[10] = ip.bytes[11] = 0xff;
    ip.v4 = true;
    return ip;
  }
  if (inet_pton(AF_INET6, buffer, ip.bytes) != 1) return std::nullopt;
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  ip.v4 = std::memcmp(ip.bytes, kMapped, sizeof kMapped) == 0;
  return ip;
}

std::string print_ip(const IpAddress& ip) {
  char buffer[INET6_ADDRSTRLEN];
  const void* bytes = ip.v4 ? ip.bytes + 12 : ip.bytes;
  inet_ntop(ip.v4 ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer);
  return buffer;
}

std::optional<IpNetwork> parse_network(std::string_view text) {
  size_t slash = text.find('/');
  std::optional<IpAddress> address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network{*address, 128};
  if (slash == std::string_view::npos) return network;
  std::string_view digits = text.substr(slash + 1);
  int bits = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  bool v4 = text.find(':') == std::string_view::npos;
  if (failed != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > (v4 ? 32 : 128)) {
    return std::nullopt;
  }
  network.bits = v4 ? bits + 96 : bits;
  return network;
}

bool in_network(const IpAddress& ip, const IpNetwork& network) {
  size_t whole = static_cast<size_t>(network.bits) / 8;
  if (std::memcmp(ip.bytes, network.address.bytes, whole) != 0) return false;
  int rest = network.bits % 8;
  if (rest == 0) return true;
  int mask = 0xff00 >> rest & 0xff;
  return ((ip.bytes[whole] ^ network.address.bytes[whole]) & mask) == 0;
}

Order compare_ip(std::string_view a, std::string_view b) {
  std::optional<IpAddress> x = parse_ip(a);
  std::optional<IpAddress> y = parse_ip(b);
  if (!x || !y) return Order::kNone;
  return of_int(std::memcmp(x->bytes, y->bytes, sizeof x->bytes));
}

Order compare_levels(std::string_view a, std::string_view b) {
  int x = model::level_rank(a);
  int y = model::level_rank(b);
  if (x > 0 && y > 0) return compare_integers(x, y);
  if (a.size() != b.size()) return Order::kNone;
  for (size_t i = 0; i < a.size(); ++i) {
    char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    char d = b[i] >= 'A' && b[i] <= 'Z' ? static_cast<char>(b[i] + 32) : b[i];
    if (c != d) return Order::kNone;
  }
  return Order::kEqual;
}

Order compare(const Cell& a, const Cell& b, int64_t now) {
  if (a.is_null() || b.is_null()) return Order::kNone;
  if (a.type == Type::kString && b.type == Type::kString) return compare_text(a.text, b.text);
  bool a_number = is_number(a.type) || a.type == Type::kBool;
  bool b_number = is_number(b.type) || b.type == Type::kBool;
  if (a_number && b_number) return compare_numbers(a, b);
  if (b.type == Type::kString) return compare_with_text(a, b.text, now);
  if (a.type == Type::kString) return flipped(compare_with_text(b, a.text, now));
  if (a.type == b.type && is_temporal(a.type)) return compare_integers(a.i64, b.i64);
  if (is_temporal(a.type) && is_temporal(b.type)) {
    std::optional<int64_t> x = to_timestamp(a, now);
    std::optional<int64_t> y = to_timestamp(b, now);
    return x && y ? compare_integers(*x, *y) : Order::kNone;
  }
  if (a.type == Type::kIp && b.type == Type::kIp) return compare_ip(a.text, b.text);
  if (is_nested(a.type) && a.type == b.type) return compare_nested(a, b);
  return Order::kNone;
}

OrderRank order_rank(Type type) {
  switch (type) {
    case Type::kNull: return OrderRank::kNull;
    case Type::kBool: return OrderRank::kBool;
    case Type::kTime: return OrderRank::kTimeOfDay;
    case Type::kDate:
    case Type::kTimestamp: return OrderRank::kMoment;
    case Type::kInterval: return OrderRank::kInterval;
    case Type::kString: return OrderRank::kText;
    case Type::kIp: return OrderRank::kAddress;
    case Type::kArray: return OrderRank::kArray;
    case Type::kStruct: return OrderRank::kStruct;
    default: return OrderRank::kNumber;
  }
}

Moment moment_of(Type type, int64_t v) {
  if (type != Type::kDate) return {v, 0};
  constexpr int64_t kLast = INT64_MAX / kNanosPerDay;
  if (v > kLast) return {INT64_MAX, v};
  if (v < -kLast) return {INT64_MIN, v};
  return {v * kNanosPerDay, 0};
}

int total_order(const Cell& a, const Cell& b) {
  OrderRank x = order_rank(a.type);
  OrderRank y = order_rank(b.type);
  if (x != y) return x < y ? -1 : 1;
  switch (x) {
    case OrderRank::kNull: return 0;
    case OrderRank::kBool:
    case OrderRank::kTimeOfDay: return sign_of(compare_integers(a.i64, b.i64));
    case OrderRank::kNumber: return order_numbers(a, b);
    case OrderRank::kMoment: {
      Moment m = moment_of(a.type, a.i64);
      Moment n = moment_of(b.type, b.i64);
      return sign_of(compare_integers(m.nanos, n.nanos) == Order::kEqual ? compare_integers(m.beyond, n.beyond)
                                                                         : compare_integers(m.nanos, n.nanos));
    }
    case OrderRank::kInterval:
      if (a.scale != b.scale) return a.scale < b.scale ? -1 : 1;
      return sign_of(compare_integers(a.i64, b.i64));
    case OrderRank::kText: return sign_of(compare_text(a.text, b.text));
    case OrderRank::kAddress: return order_addresses(a.text, b.text);
    case OrderRank::kArray: return order_items(a.value->items(), b.value->items());
    case OrderRank::kStruct: return order_members(a.value->members(), b.value->members());
  }
  return 0;
}

}  // namespace clew::expr
