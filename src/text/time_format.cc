#include "text/time_format.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace clew::text {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kNanosMaxSeconds = INT64_MAX / kSecondNanos - 1;
constexpr int64_t kAheadNanos = 2 * kDaySeconds * kSecondNanos;
constexpr size_t kZoneNameBytesMax = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// 1 to 12 for a month's first three letters, 0 for anything else.
unsigned month_of(char a, char b, char c) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  char key[3] = {lower(a), lower(b), lower(c)};
  for (unsigned m = 0; m < 12; ++m) {
    if (kMonths.substr(m * 3, 3) == std::string_view(key, 3)) return m + 1;
  }
  return 0;
}

bool is_weekday(char a, char b, char c) {
  constexpr std::string_view kDays = "monTuewedthufrisatsun";
  char key[3] = {lower(a), lower(b), lower(c)};
  for (size_t d = 0; d < 7; ++d) {
    if (lower(kDays[d * 3]) == key[0] && kDays[d * 3 + 1] == key[1] && kDays[d * 3 + 2] == key[2]) return true;
  }
  return false;
}

struct NamedOffset {
  std::string_view name;
  int minutes;
};
constexpr NamedOffset kOffsets[] = {
    {"Z", 0},      {"UTC", 0},     {"GMT", 0},     {"UT", 0},     {"WET", 0},    {"WEST", 60},  {"BST", 60},
    {"CET", 60},   {"CEST", 120},  {"MEZ", 60},    {"MESZ", 120}, {"EET", 120},  {"EEST", 180}, {"MSK", 180},
    {"EST", -300}, {"EDT", -240},  {"CST", -360},  {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480},
    {"PDT", -420}, {"AKST", -540}, {"AKDT", -480}, {"HST", -600}, {"JST", 540},  {"KST", 540},  {"HKT", 480},
    {"SGT", 480},  {"ICT", 420},   {"AEST", 600},  {"AEDT", 660}, {"ACST", 570}, {"AWST", 480}, {"NZST", 720},
    {"NZDT", 780}, {"BRT", -180},  {"ART", -180},  {"SAST", 120}, {"PKT", 300},
};

unsigned days_in_month(int64_t year, unsigned month) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

}  // namespace

struct Zone::Table {
  cctz::time_zone zone;
};

int64_t days_of_civil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year =
      (153 * (static_cast<int64_t>(month) + (month > 2 ? -3 : 9)) + 2) / 5 + static_cast<int64_t>(day) - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

std::optional<Zone> Zone::find(std::string_view name) {
  Zone zone;
  if (name.empty() || name.size() > kZoneNameBytesMax) return std::nullopt;
  for (const NamedOffset& o : kOffsets) {
    if (name != o.name) continue;
    zone.offset_seconds_ = o.minutes * 60;
    return zone;
  }
  if (name[0] == '+' || name[0] == '-') {
    std::string digits;
    for (char c : name.substr(1)) {
      if (is_digit(c))
        digits += c;
      else if (c != ':' || digits.size() != 2)
        return std::nullopt;
    }
    if (digits.size() != 2 && digits.size() != 4) return std::nullopt;
    int64_t hours = (digits[0] - '0') * 10 + (digits[1] - '0');
    int64_t minutes = digits.size() == 4 ? (digits[2] - '0') * 10 + (digits[3] - '0') : 0;
    if (hours > 18 || minutes > 59) return std::nullopt;
    zone.offset_seconds_ = (hours * 60 + minutes) * 60 * (name[0] == '-' ? -1 : 1);
    return zone;
  }
  // Only names of the tz database: anything else would be looked for as a path.
  for (char c : name) {
    if (!is_alpha(c) && !is_digit(c) && c != '/' && c != '_' && c != '-' && c != '+') return std::nullopt;
  }
  if (!is_alpha(name[0])) return std::nullopt;
  auto table = std::make_shared<Table>();
  if (!cctz::load_time_zone(std::string(name), &table->zone)) return std::nullopt;
  zone.table_ = table;
  return zone;
}

int64_t Zone::to_utc(int64_t local_seconds) const {
  if (!table_) return local_seconds - offset_seconds_;
  cctz::civil_second civil = cctz::civil_second(1970, 1, 1, 0, 0, 0) + local_seconds;
  return table_->zone.lookup(civil).pre.time_since_epoch().count();
}

// One text, read from the left. Every step gives false and the caller starts anew with another layout.
class TimeScanner {
 public:
  TimeScanner(std::string_view text, const TimeContext& context, TimeReader& reader)
      : text_(text), context_(context), reader_(reader) {}

  bool date_time() {
    if (text_.size() < 5) return false;
    if (is_digit(text_[0])) {
      return restart(&TimeScanner::iso) || restart(&TimeScanner::day_month_name) || restart(&TimeScanner::short_year) ||
             restart(&TimeScanner::compact) || restart(&TimeScanner::day_first_slashes);
    }
    return restart(&TimeScanner::named_day) || restart(&TimeScanner::month_name) || restart(&TimeScanner::glog);
  }
  // A date alone.
  bool date() {
    at_ = 0;
    char separator = 0;
    return year_month_day(separator) && at_ == text_.size();
  }

  size_t used() const { return at_; }

  std::optional<Time> result() {
    if (month_ < 1 || month_ > 12 || day_ < 1 || hour_ > 23 || minute_ > 59 || second_ > 60) return std::nullopt;
    Time t;
    t.fraction_digits = digits_;
    if (!has_year_) {
      t.assumed_year = true;
      return without_year(t);
    }
    if (day_ > days_in_month(year_, month_)) return std::nullopt;
    return finish(t);
  }

 private:
  bool restart(bool (TimeScanner::*layout)()) {
    at_ = 0;
    has_zone_ = false;
    nanos_ = 0;
    digits_ = 0;
    second_ = 0;
    has_year_ = true;
    return (this->*layout)();
  }

  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool number(size_t digits_min, size_t digits_max, unsigned& out) {
    unsigned v = 0;
    size_t n = 0;
    while (n < digits_max && is_digit(peek(n))) v = v * 10 + static_cast<unsigned>(peek(n++) - '0');
    if (n < digits_min) return false;
    at_ += n;
    out = v;
    return true;
  }
  bool year4() {
    unsigned y = 0;
    if (!number(4, 4, y)) return false;
    year_ = y;
    return true;
  }
  bool month3() {
    if (at_ + 3 > text_.size()) return false;
    month_ = month_of(text_[at_], text_[at_ + 1], text_[at_ + 2]);
    at_ += 3;
    return month_ != 0;
  }

  bool year_month_day(char& separator) {
    if (!year4()) return false;
    separator = peek();
    if (separator != '-' && separator != '/' && separator != '.') return false;
    ++at_;
    return number(1, 2, month_) && take(separator) && number(1, 2, day_);
  }

  // 2026-11-20T10:37:05,123 +0700
  bool iso() {
    char separator = 0;
    if (!year_month_day(separator)) return false;
    char between = peek();
    if (between != 'T' && between != 't' && between != ' ' && between != '_' && between != ':' && between != '-')
      return false;
    ++at_;
    while (peek() == ' ') ++at_;
    return time_of_day() && zone();
  }

  // 20261120T103705Z, 20261120 10:37:05
  bool compact() {
    if (!year4() || !number(2, 2, month_) || !number(2, 2, day_)) return false;
    if (peek() != 'T' && peek() != ' ' && peek() != '-') return false;
    ++at_;
    if (is_digit(peek(1)) && is_digit(peek(2))) {
      if (!number(2, 2, hour_) || !number(2, 2, minute_) || !number(2, 2, second_)) return false;
      return fraction() && zone();
    }
    return time_of_day() && zone();
  }

  // 10/Oct/2000:13:55:36 -0700, 10-Oct-2000 13:55:36, 10 Oct 2000, 13:55:36
  bool day_month_name() {
    if (!number(1, 2, day_)) return false;
    char separator = peek();
    if (separator != '/' && separator != '-' && separator != ' ') return false;
    ++at_;
    if (!month3() || !take(separator) || !year4()) return false;
    if (peek() == ',') ++at_;
    if (peek() != ':' && peek() != ' ' && peek() != 'T') return false;
    ++at_;
    return time_of_day() && zone();
  }

  // 17/06/09 20:10:40 and 170609 20:10:40 (MySQL)
  bool short_year() {
    unsigned y = 0;
    if (!number(2, 2, y)) return false;
    bool slashes = take('/');
    if (!number(2, 2, month_) || (slashes && !take('/')) || !number(2, 2, day_)) return false;
    year_ = y < 70 ? 2000 + static_cast<int64_t>(y) : 1900 + static_cast<int64_t>(y);
    if (peek() != ' ') return false;
    while (peek() == ' ') ++at_;
    return time_of_day() && zone();
  }

  // 11/20/2026 10:37:05: the month first, unless it cannot be one.
  bool day_first_slashes() {
    unsigned a = 0;
    unsigned b = 0;
    if (!number(1, 2, a)) return false;
    char separator = peek();
    if (separator != '/' && separator != '.' && separator != '-') return false;
    ++at_;
    if (!number(1, 2, b) || !take(separator) || !year4()) return false;
    bool day_first = a > 12 || separator == '.';
    month_ = day_first ? b : a;
    day_ = day_first ? a : b;
    if (peek() == ',') ++at_;
    if (peek() != ' ' && peek() != 'T' && peek() != ':') return false;
    ++at_;
    return time_of_day() && zone();
  }

  // Oct 11 22:14:15, Oct 11 22:14:15.003 2000, Oct 11, 2000 1:55:36 PM, Oct 11 2000 22:14:15
  bool month_name() {
    if (!month3()) return false;
    while (is_alpha(peek())) ++at_;  // October
    if (!take(' ')) return false;
    (void)take(' ');
    if (!number(1, 2, day_)) return false;
    (void)take(',');
    if (!take(' ')) return false;
    has_year_ = false;
    if (is_digit(peek()) && is_digit(peek(1)) && is_digit(peek(2)) && is_digit(peek(3))) {
      if (!year4() || !(take(' ') || (take(',') && take(' ')))) return false;
      has_year_ = true;
    }
    if (!time_of_day()) return false;
    return has_year_ ? zone() : year_behind();
  }

  // Wed Oct 11 14:32:52 2000, Wed, 11 Oct 2000 14:32:52 GMT
  bool named_day() {
    if (!is_weekday(peek(0), peek(1), peek(2))) return false;
    at_ = 3;
    while (is_alpha(peek())) ++at_;
    bool comma = take(',');
    if (!take(' ')) return false;
    if (comma) return day_month_name();
    return month_name();
  }

  // A year after the time, as in asctime, perhaps with the zone between (date(1)).
  bool year_behind() {
    size_t before = at_;
    if (peek() == ' ' && is_alpha(peek(1))) (void)zone();
    if (peek() == ' ' && is_digit(peek(1)) && is_digit(peek(2)) && is_digit(peek(3)) && is_digit(peek(4)) &&
        !is_digit(peek(5)) && peek(5) != '-' && peek(5) != ':') {
      unsigned y = 0;
      size_t blank = at_++;
      (void)number(4, 4, y);
      if (y >= 1970 && y <= 2261) {
        year_ = y;
        has_year_ = true;
        return true;
      }
      at_ = blank;
    }
    if (!has_zone_) at_ = before;
    return true;
  }

  // I1120 10:37:05.485123
  bool glog() {
    char level = peek();
    if (level != 'I' && level != 'W' && level != 'E' && level != 'F') return false;
    ++at_;
    has_year_ = false;
    return number(2, 2, month_) && number(2, 2, day_) && take(' ') && time_of_day();
  }

  bool time_of_day() {
    if (!number(1, 2, hour_) || !take(':') || !number(2, 2, minute_)) return false;
    if (peek() == ':' && is_digit(peek(1))) {
      ++at_;
      if (!number(2, 2, second_) || !fraction()) return false;
    }
    return half_day();
  }

  bool half_day() {
    size_t blank = peek() == ' ' ? 1 : 0;
    char half = lower(peek(blank));
    if ((half != 'a' && half != 'p') || lower(peek(blank + 1)) != 'm' || is_alpha(peek(blank + 2))) return true;
    if (hour_ < 1 || hour_ > 12) return false;
    hour_ = hour_ % 12 + (half == 'p' ? 12 : 0);
    at_ += blank + 2;
    return true;
  }

  bool fraction() {
    if ((peek() != '.' && peek() != ',') || !is_digit(peek(1))) return true;
    ++at_;
    int64_t unit = kSecondNanos;
    while (is_digit(peek())) {
      unit /= 10;
      nanos_ += unit * (peek() - '0');
      if (digits_ < 9) ++digits_;
      ++at_;
    }
    return true;
  }

  // A zone may follow; a word that is none stays in the text.
  bool zone() {
    size_t before = at_;
    if (peek() == ' ') ++at_;
    bool blank = at_ != before;
    char c = peek();
    if ((c == 'Z' || c == 'z') && !is_alpha(peek(1))) {
      ++at_;
      has_zone_ = true;
      offset_ = 0;
      return true;
    }
    if (c == '+' || c == '-') {
      if (offset_zone()) return true;
    } else if (is_alpha(c) && (blank || c != 'T')) {
      if (named_zone()) return true;
    }
    at_ = before;
    return true;
  }

  bool offset_zone() {
    bool west = peek() == '-';
    ++at_;
    unsigned hours = 0;
    unsigned minutes = 0;
    if (!number(2, 2, hours)) return false;
    if (peek() == ':' && is_digit(peek(1))) ++at_;
    if (is_digit(peek()) && !number(2, 2, minutes)) return false;
    if (hours > 18 || minutes > 59 || is_digit(peek())) return false;
    offset_ = static_cast<int64_t>(hours * 60 + minutes) * 60 * (west ? -1 : 1);
    has_zone_ = true;
    return true;
  }

  bool named_zone() {
    size_t end = at_;
    while (end < text_.size() && (is_alpha(text_[end]) || text_[end] == '/' || text_[end] == '_')) ++end;
    std::string_view name = text_.substr(at_, end - at_);
    if (name != reader_.zone_name_) {
      bool abbreviation = name.find('/') == std::string_view::npos;
      // `INFO` and the like are no zones: only names with a slash go to the tz database.
      std::optional<Zone> found;
      if (abbreviation) {
        for (const NamedOffset& o : kOffsets) {
          if (o.name == name && name.size() > 1) found = Zone::find(name);
        }
      } else {
        found = Zone::find(name);
      }
      if (!found) return false;
      reader_.zone_name_ = name;
      reader_.zone_ = *found;
    }
    named_ = &reader_.zone_;
    has_zone_ = true;
    at_ = end;
    return true;
  }

  std::optional<Time> finish(Time t) const {
    int64_t local = days_of_civil(year_, month_, day_) * kDaySeconds + hour_ * 3600 + minute_ * 60 + second_;
    t.assumed_zone = !has_zone_;
    int64_t seconds = local - offset_;
    if (!has_zone_)
      seconds = context_.zone.to_utc(local);
    else if (named_ != nullptr)
      seconds = named_->to_utc(local);
    if (seconds > kNanosMaxSeconds || seconds < -kNanosMaxSeconds) {
      t.out_of_range = true;
      return t;
    }
    t.unix_nanos = seconds * kSecondNanos + nanos_;
    return t;
  }

  std::optional<Time> without_year(Time t) {
    constexpr int64_t kYearSeconds = 31'556'952;
    int64_t this_year = 1970 + context_.now_nanos / kSecondNanos / kYearSeconds;
    for (int64_t year = this_year + 1; year >= this_year - 8; --year) {
      if (day_ > days_in_month(year, month_)) continue;
      year_ = year;
      std::optional<Time> got = finish(t);
      if (got && got->unix_nanos <= context_.now_nanos + kAheadNanos) return got;
    }
    return std::nullopt;
  }

  std::string_view text_;
  const TimeContext& context_;
  TimeReader& reader_;
  size_t at_ = 0;
  int64_t year_ = 1970;
  unsigned month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
  int64_t nanos_ = 0;
  uint8_t digits_ = 0;
  bool has_year_ = true;
  bool has_zone_ = false;
  int64_t offset_ = 0;
  const Zone* named_ = nullptr;
};

namespace {

unsigned two(const char* p) { return static_cast<unsigned>(p[0] - '0') * 10 + static_cast<unsigned>(p[1] - '0'); }

// Seconds of `YYYY-MM-DD?hh:mm` taken as UTC; false when it is not that.
bool parse_minute(const char* p, int64_t& seconds) {
  if (p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') || p[13] != ':') return false;
  for (int i : {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15}) {
    if (!is_digit(p[i])) return false;
  }
  int64_t year = two(p) * 100 + two(p + 2);
  unsigned month = two(p + 5), day = two(p + 8), hour = two(p + 11), minute = two(p + 14);
  if (year < 1900 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
    return false;
  if (hour > 23 || minute > 59) return false;
  seconds = days_of_civil(year, month, day) * kDaySeconds + hour * 3600 + minute * 60;
  return true;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '[')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == ']')) s.remove_suffix(1);
  return s;
}

std::optional<Time> epoch_time(std::string_view token, bool seconds_only) {
  bool negative = !token.empty() && token.front() == '-';
  if (negative) token.remove_prefix(1);
  size_t point = token.find('.');
  std::string_view whole = token.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? std::string_view() : token.substr(point + 1);
  if (fraction.find_first_of("eE") != std::string_view::npos || whole.find_first_of("eE") != std::string_view::npos) {
    double v = 0;
    auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), v);
    if (error != std::errc() || end != token.data() + token.size() || !(v >= 1e8 && v < 9e18) || negative) return {};
    double scale = seconds_only || v < 1e11 ? 1e9 : v < 1e14 ? 1e6 : v < 1e17 ? 1e3 : 1;
    Time t;
    if (v * scale >= 9.2e18)
      t.out_of_range = true;
    else
      t.unix_nanos = static_cast<int64_t>(std::llround(v * scale));
    return t;
  }
  if (whole.empty() || whole.size() > 19 || (point != std::string_view::npos && fraction.empty())) return {};
  uint64_t v = 0;
  for (char c : whole) {
    if (!is_digit(c)) return {};
    v = v * 10 + static_cast<uint64_t>(c - '0');
  }
  for (char c : fraction) {
    if (!is_digit(c)) return {};
  }
  if (v < 100'000'000 || negative) return {};
  int64_t unit = kSecondNanos;
  if (!seconds_only)
    unit = v < 100'000'000'000           ? kSecondNanos
           : v < 100'000'000'000'000     ? 1'000'000
           : v < 100'000'000'000'000'000 ? 1'000
                                         : 1;
  Time t;
  if (v > static_cast<uint64_t>(INT64_MAX / unit - 1)) {
    t.out_of_range = true;
    return t;
  }
  t.unix_nanos = static_cast<int64_t>(v) * unit;
  for (char c : fraction) {
    unit /= 10;
    t.unix_nanos += unit * (c - '0');
    if (t.fraction_digits < 9) ++t.fraction_digits;
  }
  return t;
}

}  // namespace

// YYYY-MM-DD?hh:mm:ss[.fraction]Z, or without the zone: what nearly every event has, and mostly in the minute of the
// event before.
bool TimeReader::parse_common(std::string_view s, const TimeContext& context, Time& t) {
  constexpr size_t kBytesMin = 19;
  constexpr size_t kFractionDigitsMax = 9;
  constexpr int64_t kUnits[] = {1'000'000'000, 100'000'000, 10'000'000, 1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  if (s.size() < kBytesMin) return false;
  const char* p = s.data();
  if (std::memcmp(p, minute_text_, kMinuteBytes) != 0) {
    int64_t seconds = 0;
    if (!parse_minute(p, seconds)) return false;
    minute_seconds_ = seconds;
    std::memcpy(minute_text_, p, kMinuteBytes);
  }
  if (p[16] != ':' || !is_digit(p[17]) || !is_digit(p[18])) return false;
  unsigned second = two(p + 17);
  size_t at = kBytesMin;
  int64_t nanos = 0;
  if (at < s.size() && (p[at] == '.' || p[at] == ',')) {
    size_t first = ++at;
    size_t stop = std::min(s.size(), first + kFractionDigitsMax);
    while (at < stop && is_digit(p[at])) nanos = nanos * 10 + (p[at++] - '0');
    if (at == first) return false;
    t.fraction_digits = static_cast<uint8_t>(at - first);
    nanos *= kUnits[at - first];
  }
  bool utc = at + 1 == s.size() && p[at] == 'Z';
  if ((!utc && at != s.size()) || second > 60) return false;
  int64_t local = minute_seconds_ + second;
  t.assumed_zone = !utc;
  t.unix_nanos = (utc ? local : context.zone.to_utc(local)) * kSecondNanos + nanos;
  return true;
}

std::optional<Time> TimeReader::parse(std::string_view text, const TimeContext& context) {
  Time common;
  if (parse_common(text, context, common)) return common;
  text = trimmed(text);
  TimeScanner scanner(text, context, *this);
  if (scanner.date_time() && scanner.used() == text.size()) return scanner.result();
  if (std::optional<Time> epoch = parse_epoch(text)) return epoch;
  TimeScanner date(text, context, *this);
  if (date.date()) return date.result();
  return std::nullopt;
}

std::optional<Time> TimeReader::parse_prefix(std::string_view text, const TimeContext& context, size_t& used) {
  TimeScanner scanner(text, context, *this);
  if (!scanner.date_time()) return std::nullopt;
  used = scanner.used();
  return scanner.result();
}

std::optional<Time> parse_epoch(std::string_view token) { return epoch_time(token, false); }
std::optional<Time> parse_epoch_seconds(std::string_view token) { return epoch_time(token, true); }

}  // namespace clew::text
