#include "codec/time_layout.h"

#include <array>
#include <cstring>

namespace clew::codec {
namespace {

constexpr int64_t kNanos = 1'000'000'000;
constexpr int64_t kDaySeconds = 86400;
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int64_t kYearMin = 1678;  // years that lie in an int64 of nanoseconds as a whole
constexpr int64_t kYearMax = 2261;
constexpr int32_t kOffsetMax = 24 * 3600;

bool digits(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return false;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

// Requires: digits there.
int64_t number(std::string_view text, size_t at, size_t count) {
  int64_t v = 0;
  for (size_t i = at; i < at + count; ++i) v = v * 10 + (text[i] - '0');
  return v;
}

void put(int64_t v, size_t count, char* out) {
  for (size_t i = count; i-- > 0; v /= 10) out[i] = static_cast<char>('0' + v % 10);
}

int64_t floor_divide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

// Offset of a zone like +07:00, +0700 or -07 at the end of a time; 0 for anything else.
int32_t zone_offset(std::string_view zone) {
  size_t sign = zone.find_first_of("+-");
  if (sign == std::string_view::npos || !digits(zone, sign + 1, 2)) return 0;
  int64_t hours = number(zone, sign + 1, 2);
  size_t at = sign + 3;
  if (at < zone.size() && zone[at] == ':') ++at;
  int64_t minutes = digits(zone, at, 2) ? number(zone, at, 2) : 0;
  auto seconds = static_cast<int32_t>(hours * 3600 + minutes * 60);
  return zone[sign] == '-' ? -seconds : seconds;
}

void append_literal(std::string_view text, std::string& pattern) {
  for (char c : text) {
    pattern.push_back(c);
    if (c == '%') pattern.push_back('%');
  }
}

// The pattern of date and time to the second; moves `at` behind it. Empty when there is none.
std::string date_pattern(std::string_view text, size_t& at) {
  auto is = [&](size_t i, std::string_view set) {
    return i < text.size() && set.find(text[i]) != std::string_view::npos;
  };
  std::string pattern;
  if (digits(text, 0, 4) && is(4, "-/") && digits(text, 5, 2) && is(7, "-/") && digits(text, 8, 2) && is(10, "T _:")) {
    pattern = std::string("%Y") + text[4] + "%m" + text[7] + "%d" + text[10];
    at = 11;
  } else if (digits(text, 0, 2) && is(2, "/- ") && is(6, "/- ") && digits(text, 7, 4) && is(11, ": ")) {
    pattern = std::string("%d") + text[2] + "%b" + text[6] + "%Y" + text[11];
    at = 12;
  } else {
    return {};
  }
  if (!digits(text, at, 2) || !is(at + 2, ":") || !digits(text, at + 3, 2) || !is(at + 5, ":") ||
      !digits(text, at + 6, 2)) {
    return {};
  }
  at += 8;
  return pattern + "%H:%M:%S";
}

}  // namespace

int64_t days_of_date(int64_t year, unsigned month, unsigned day) {
  // Years begin in March, so that the leap day is the last of its year.
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = floor_divide(y, 400);
  int64_t in_era = y - era * 400;
  int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

Date date_of_days(int64_t days) {
  int64_t z = days + 719468;
  int64_t era = floor_divide(z, 146097);
  int64_t in_era = z - era * 146097;
  int64_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  int64_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t m = (5 * in_year + 2) / 153;
  auto day = static_cast<unsigned>(in_year - (153 * m + 2) / 5 + 1);
  auto month = static_cast<unsigned>(m < 10 ? m + 3 : m - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::optional<TimeLayout> TimeLayout::of_example(std::string_view text) {
  if (text.size() > kTimeTextMax) return std::nullopt;
  size_t at = 0;
  std::string pattern = date_pattern(text, at);
  if (pattern.empty()) return std::nullopt;
  if (at + 1 < text.size() && (text[at] == '.' || text[at] == ',') && digits(text, at + 1, 1)) {
    pattern.push_back(text[at++]);
    size_t count = 0;
    while (count < 9 && digits(text, at + count, 1)) ++count;
    pattern += "%" + std::to_string(count);
    at += count;
  }
  std::string_view zone = text.substr(at);
  append_literal(zone, pattern);
  return of_pattern(std::move(pattern), zone_offset(zone));
}

std::optional<TimeLayout> TimeLayout::of_pattern(std::string pattern, int32_t offset_seconds) {
  TimeLayout layout;
  layout.pattern_ = std::move(pattern);
  layout.offset_seconds_ = offset_seconds;
  if (offset_seconds > kOffsetMax || offset_seconds < -kOffsetMax || !layout.compile()) return std::nullopt;
  return layout;
}

bool TimeLayout::compile() {
  std::string codes;
  for (size_t i = 0; i < pattern_.size(); ++i) {
    if (pattern_[i] != '%') {
      literal_.push_back(pattern_[i]);
      continue;
    }
    if (++i == pattern_.size()) return false;
    char code = pattern_[i];
    if (code == '%') {
      literal_.push_back('%');
      continue;
    }
    size_t bytes = code == 'Y' ? 4 : code == 'b' ? 3 : code >= '1' && code <= '9' ? static_cast<size_t>(code - '0') : 2;
    if (literal_.size() + bytes > kTimeTextMax) return false;
    auto at = static_cast<uint8_t>(literal_.size());
    if (code >= '1' && code <= '9') {
      fraction_at_ = at;
      fraction_digits_ = static_cast<uint8_t>(bytes);
      for (size_t d = 0; d < bytes; ++d) unit_ns_ /= 10;
      codes.push_back('1');
    } else {
      pieces_.push_back({code, at, static_cast<uint8_t>(bytes)});
      codes.push_back(code == 'b' ? 'm' : code);
    }
    literal_.append(bytes, '0');
  }
  text_bytes_ = literal_.size();
  // Every part of a time once, so that the text says all of it.
  std::array<int, 128> seen{};
  for (char c : codes) {
    if (c < 0) return false;
    ++seen[static_cast<size_t>(c)];
  }
  for (char c : std::string_view("YmdHMS")) {
    if (seen[static_cast<size_t>(c)] != 1) return false;
  }
  return codes.size() == 6 + static_cast<size_t>(seen['1']) && seen['1'] <= 1 && text_bytes_ <= kTimeTextMax;
}

bool TimeLayout::parse_second(std::string_view text, int64_t& seconds) const {
  int64_t year = 0, hour = 0, minute = 0, second = 0;
  unsigned month = 0, day = 0;
  char rest[kTimeTextMax];
  std::memcpy(rest, text.data(), text.size());
  std::memset(rest + fraction_at_, '0', fraction_digits_);
  for (const Piece& p : pieces_) {
    std::memset(rest + p.at, '0', p.bytes);
    if (p.code == 'b') {
      for (unsigned m = 0; m < 12; ++m) {
        if (text.substr(p.at, 3) == kMonths[m]) month = m + 1;
      }
      continue;
    }
    if (!digits(text, p.at, p.bytes)) return false;
    int64_t v = number(text, p.at, p.bytes);
    switch (p.code) {
      case 'Y': year = v; break;
      case 'm': month = static_cast<unsigned>(v); break;
      case 'd': day = static_cast<unsigned>(v); break;
      case 'H': hour = v; break;
      case 'M': minute = v; break;
      default: second = v;
    }
  }
  if (std::string_view(rest, text.size()) != literal_) return false;
  if (year < kYearMin || year > kYearMax || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
      second > 59) {
    return false;
  }
  int64_t days = days_of_date(year, month, day);
  if (date_of_days(days).day != day) return false;  // 31 April
  seconds = days * kDaySeconds + hour * 3600 + minute * 60 + second - offset_seconds_;
  return true;
}

bool TimeLayout::parse(std::string_view text, int64_t& unix_nanos) {
  if (text.size() != text_bytes_) return false;
  size_t after = fraction_at_ + fraction_digits_;
  bool known =
      known_text_.size() == text.size() &&
      std::memcmp(known_text_.data(), text.data(), fraction_at_ ? fraction_at_ : text.size()) == 0 &&
      (fraction_at_ == 0 || std::memcmp(known_text_.data() + after, text.data() + after, text.size() - after) == 0);
  if (!known) {
    int64_t seconds = 0;
    if (!parse_second(text, seconds)) return false;
    known_text_ = text;
    known_second_ = seconds;
  }
  int64_t fraction = 0;
  for (size_t i = fraction_at_; i < after; ++i) {
    auto d = static_cast<unsigned>(static_cast<unsigned char>(text[i]) - '0');
    if (d > 9) return false;
    fraction = fraction * 10 + d;
  }
  unix_nanos = known_second_ * kNanos + fraction * unit_ns_;
  return true;
}

void TimeLayout::print_second(int64_t seconds, char* out) const {
  std::memcpy(out, literal_.data(), literal_.size());
  int64_t local = seconds + offset_seconds_;
  int64_t days = floor_divide(local, kDaySeconds);
  int64_t in_day = local - days * kDaySeconds;
  Date date = date_of_days(days);
  for (const Piece& p : pieces_) {
    switch (p.code) {
      case 'Y': put(date.year, 4, out + p.at); break;
      case 'm': put(date.month, 2, out + p.at); break;
      case 'b': std::memcpy(out + p.at, kMonths[date.month - 1].data(), 3); break;
      case 'd': put(date.day, 2, out + p.at); break;
      case 'H': put(in_day / 3600, 2, out + p.at); break;
      case 'M': put(in_day / 60 % 60, 2, out + p.at); break;
      default: put(in_day % 60, 2, out + p.at);
    }
  }
}

void TimeLayout::print(int64_t unix_nanos, char* out) {
  int64_t seconds = floor_divide(unix_nanos, kNanos);
  if (known_text_.size() != text_bytes_ || seconds != known_second_) {
    known_text_.resize(text_bytes_);
    print_second(seconds, known_text_.data());
    known_second_ = seconds;
  }
  std::memcpy(out, known_text_.data(), text_bytes_);
  if (fraction_digits_ > 0) put((unix_nanos - seconds * kNanos) / unit_ns_, fraction_digits_, out + fraction_at_);
}

}  // namespace clew::codec
