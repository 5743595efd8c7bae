#include "query/ppl/times.h"

#include <charconv>
#include <string>

#include "expr/lexer.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
// Years that nanoseconds since 1970 reach with room to spare.
constexpr int kYearMin = 1680;
constexpr int kYearMax = 2260;
constexpr int64_t kRelativeMax = 1'000'000'000;

struct Date {
  int64_t year = 1970;
  int month = 1;
  int day = 1;
};

int64_t days_of(Date date) {
  int64_t y = date.month <= 2 ? date.year - 1 : date.year;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t yoe = y - era * 400;
  int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

Date date_of(int64_t days) {
  int64_t z = days + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  Date out;
  out.day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  out.month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  out.year = yoe + era * 400 + (out.month <= 2 ? 1 : 0);
  return out;
}

int64_t floor_to(int64_t t, int64_t unit) {
  int64_t r = t % unit;
  return t - (r < 0 ? r + unit : r);
}

int days_in_month(int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

int64_t add_months(int64_t t, int64_t months) {
  int64_t day_start = floor_to(t, kDay);
  Date date = date_of(day_start / kDay);
  int64_t m = date.year * 12 + (date.month - 1) + months;
  date.year = m / 12;
  date.month = static_cast<int>(m % 12) + 1;
  date.day = std::min(date.day, days_in_month(date.year, date.month));
  return days_of(date) * kDay + (t - day_start);
}

// A reader of digits and marks.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool end() const { return at_ == text_.size(); }
  char peek() const { return end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c || end()) return false;
    ++at_;
    return true;
  }
  bool digits(size_t count, int& out) {
    if (text_.size() - at_ < count) return false;
    out = 0;
    for (size_t i = 0; i < count; ++i) {
      char c = text_[at_ + i];
      if (c < '0' || c > '9') return false;
      out = out * 10 + (c - '0');
    }
    at_ += count;
    return true;
  }
  std::string_view run(bool (*in)(char)) {
    size_t begin = at_;
    while (at_ < text_.size() && in(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  void back(size_t places) { at_ -= places; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool read_zone(Cursor& in, int64_t& offset) {
  offset = 0;
  if (in.end() || in.take('Z')) return true;
  char sign = in.peek();
  if (!in.take('+') && !in.take('-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!in.digits(2, hours)) return false;
  in.take(':');
  if (!in.end() && !in.digits(2, minutes)) return false;
  offset = (hours * 3600 + minutes * 60) * kSecond * (sign == '-' ? -1 : 1);
  return true;
}

bool valid(Date date) {
  return date.year >= kYearMin && date.year <= kYearMax && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= days_in_month(date.year, date.month);
}

// HH:mm[:ss[.fraction]] into ns of the day.
bool read_clock(Cursor& in, int64_t& nanos) {
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  if (!in.digits(2, hours) || !in.take(':') || !in.digits(2, minutes)) return false;
  if (in.take(':') && !in.digits(2, seconds)) return false;
  if (hours > 23 || minutes > 59 || seconds > 59) return false;
  nanos = ((hours * 60 + minutes) * 60 + seconds) * kSecond;
  if (!in.take('.') && !in.take(',')) return true;
  std::string_view fraction = in.run(is_digit);
  if (fraction.empty()) return false;
  int64_t unit = kSecond / 10;
  for (size_t i = 0; i < fraction.size() && unit > 0; ++i, unit /= 10) nanos += (fraction[i] - '0') * unit;
  return true;
}

std::optional<int64_t> read_american(std::string_view text) {
  Cursor in(text);
  Date date;
  int year = 0;
  int64_t clock = 0;
  bool ok = in.digits(2, date.month) && in.take('/') && in.digits(2, date.day) && in.take('/') && in.digits(4, year) &&
            in.take(':') && read_clock(in, clock) && in.end();
  date.year = year;
  if (!ok || !valid(date)) return std::nullopt;
  return days_of(date) * kDay + clock;
}

std::optional<int64_t> snap(int64_t t, std::string_view word) {
  std::string lower = expr::to_lower_ascii(word);
  bool week = (lower.size() == 2 && lower[0] == 'w' && lower[1] >= '0' && lower[1] <= '7');
  if (week || lower == "w" || lower == "week") {
    int64_t weekday = week ? (lower[1] - '0') % 7 : 0;
    int64_t day = floor_to(t, kDay);
    int64_t today = ((day / kDay + 4) % 7 + 7) % 7;  // 0 is Sunday
    return day - ((today - weekday + 7) % 7) * kDay;
  }
  Result<expr::TimeUnit> unit = expr::parse_time_unit(word);
  if (!unit.ok()) return std::nullopt;
  expr::TimeSpan span{1, *unit};
  if (!span.calendar()) return floor_to(t, span.nanos());
  Date date = date_of(floor_to(t, kDay) / kDay);
  if (span.unit == expr::TimeUnit::kYear) date.month = 1;
  if (span.unit == expr::TimeUnit::kQuarter) date.month = (date.month - 1) / 3 * 3 + 1;
  date.day = 1;
  return days_of(date) * kDay;
}

std::optional<int64_t> shift(int64_t t, int64_t count, std::string_view word) {
  Result<expr::TimeUnit> unit = expr::parse_time_unit(word.empty() ? "s" : word);
  if (!unit.ok() || count > kRelativeMax || count < -kRelativeMax) return std::nullopt;
  expr::TimeSpan one{1, *unit};
  if (one.calendar()) {
    if (count > 12'000 || count < -12'000) return std::nullopt;
    return add_months(t, count * one.months());
  }
  int64_t delta = 0;
  int64_t out = 0;
  if (__builtin_mul_overflow(count, one.nanos(), &delta) || __builtin_add_overflow(t, delta, &out)) return std::nullopt;
  return out;
}

std::optional<int64_t> read_relative(std::string_view text, int64_t now) {
  Cursor in(text);
  int64_t t = now;
  if (in.end()) return std::nullopt;
  while (!in.end()) {
    if (in.take('@')) {
      std::string_view word = in.run([](char c) { return is_letter(c) || is_digit(c); });
      std::optional<int64_t> snapped = snap(t, word);
      if (!snapped) return std::nullopt;
      t = *snapped;
      continue;
    }
    bool minus = in.peek() == '-';
    if (!in.take('+') && !in.take('-')) return std::nullopt;
    std::string_view digits = in.run(is_digit);
    int64_t count = 1;
    if (!digits.empty()) {
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
      if (error != std::errc()) return std::nullopt;
    }
    std::string_view unit = in.run(is_letter);
    if (digits.empty() && unit.empty()) return std::nullopt;
    std::optional<int64_t> shifted = shift(t, minus ? -count : count, unit);
    if (!shifted) return std::nullopt;
    t = *shifted;
  }
  return t;
}

}  // namespace

std::optional<int64_t> parse_date_time(std::string_view text) {
  Cursor in(text);
  Date date;
  int year = 0;
  bool ok = in.digits(4, year) && in.take('-') && in.digits(2, date.month) && in.take('-') && in.digits(2, date.day);
  date.year = year;
  if (!ok || !valid(date)) return std::nullopt;
  int64_t start = days_of(date) * kDay;
  if (in.end()) return start;
  if (!in.take('T') && !in.take(' ')) return std::nullopt;
  int64_t clock = 0;
  int64_t offset = 0;
  if (!read_clock(in, clock) || !read_zone(in, offset) || !in.end()) return std::nullopt;
  return start + clock - offset;
}

bool is_iso_time(std::string_view text) {
  return text.size() >= 16 && text[10] == 'T' && parse_date_time(text).has_value();
}

std::optional<int64_t> parse_time_word(std::string_view text, int64_t now) {
  if (expr::equals_ignore_case(text, "now") || expr::equals_ignore_case(text, "now()")) return now;
  if (auto t = parse_date_time(text)) return t;
  if (auto t = read_american(text)) return t;
  double seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && is_digit(text[0])) {
    int64_t whole = 0;
    auto [iend, ierror] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (whole > INT64_MAX / kSecond || seconds > 9.2e9) return std::nullopt;
    if (ierror == std::errc() && iend == end) return whole * kSecond;
    return static_cast<int64_t>(seconds * 1e9);
  }
  return read_relative(text, now);
}

}  // namespace clew::query::ppl
