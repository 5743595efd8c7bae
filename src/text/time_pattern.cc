#include "text/time_pattern.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace clew::text {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kFutureDays = 2;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 12> kMonthEnds = {"uary", "ruary", "ch",     "il",   "",      "e",
                                                         "y",    "ust",   "tember", "ober", "ember", "ember"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

bool starts_folded(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  return std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

// Up to `most` digits, at least one.
bool take_number(std::string_view& text, size_t most, int64_t& value) {
  size_t digits = 0;
  value = 0;
  while (digits < most && digits < text.size() && is_digit(text[digits])) value = value * 10 + (text[digits++] - '0');
  text.remove_prefix(digits);
  return digits > 0;
}

bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
int days_of_month(int64_t year, int64_t month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<size_t>(month - 1)];
}

}  // namespace

struct TimePattern::Fields {
  int64_t year = -1;
  int64_t month = -1;
  int64_t day = -1;
  int64_t day_of_year = -1;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t nanos = 0;
  int fraction_digits = 0;
  int half = -1;  // 1 after noon
  bool hour12 = false;
  std::optional<Zone> zone;
  std::optional<Time> epoch;
};

bool TimePattern::has(Part part) const {
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const Token& t) { return t.part == part; });
}

void TimePattern::add_text(std::string_view text) {
  for (char c : text) tokens_.push_back({Part::kText, c});
}

Status TimePattern::add_percent(char c) {
  auto add = [this](std::initializer_list<Token> tokens) {
    tokens_.insert(tokens_.end(), tokens);
    return Status();
  };
  switch (c) {
    case 'Y': return add({{Part::kYear}});
    case 'y': return add({{Part::kYear2}});
    case 'm': return add({{Part::kMonth}});
    case 'b':
    case 'B':
    case 'h': return add({{Part::kMonthName}});
    case 'd':
    case 'e': return add({{Part::kDay}});
    case 'j': return add({{Part::kDayOfYear}});
    case 'H':
    case 'k': return add({{Part::kHour}});
    case 'I':
    case 'l': return add({{Part::kHour12}});
    case 'p':
    case 'P': return add({{Part::kHalf}});
    case 'M': return add({{Part::kMinute}});
    case 'S': return add({{Part::kSecond}});
    case 'f':
    case 'L':
    case 'N': return add({{Part::kFraction}});
    case 'z':
    case 'Z': return add({{Part::kZone}});
    case 'a':
    case 'A': return add({{Part::kWeekday}});
    case 's': return add({{Part::kEpoch}});
    case 'T': return add({{Part::kHour}, {Part::kText, ':'}, {Part::kMinute}, {Part::kText, ':'}, {Part::kSecond}});
    case 'R': return add({{Part::kHour}, {Part::kText, ':'}, {Part::kMinute}});
    case 'F': return add({{Part::kYear}, {Part::kText, '-'}, {Part::kMonth}, {Part::kText, '-'}, {Part::kDay}});
    case 'D': return add({{Part::kMonth}, {Part::kText, '/'}, {Part::kDay}, {Part::kText, '/'}, {Part::kYear2}});
    case 'n':
    case 't': return add({{Part::kText, ' '}});
    case '%': return add({{Part::kText, '%'}});
    default: return Error(Code::kInvalid, std::string("the layout has an unknown %") + c);
  }
}

Status TimePattern::add_letters(char c, size_t count) {
  auto add = [this](Part part) {
    tokens_.push_back({part, 0});
    return Status();
  };
  switch (c) {
    case 'y':
    case 'Y':
    case 'u': return add(count == 2 ? Part::kYear2 : Part::kYear);
    case 'M':
    case 'L': return add(count > 2 ? Part::kMonthName : Part::kMonth);
    case 'd': return add(Part::kDay);
    case 'D': return add(Part::kDayOfYear);
    case 'H':
    case 'k': return add(Part::kHour);
    case 'h':
    case 'K': return add(Part::kHour12);
    case 'm': return add(Part::kMinute);
    case 's': return add(Part::kSecond);
    case 'S': return add(Part::kFraction);
    case 'a': return add(Part::kHalf);
    case 'E': return add(Part::kWeekday);
    case 'Z':
    case 'z':
    case 'X':
    case 'x': return add(Part::kZone);
    case 'T': add_text("T"); return {};
    default: return Error(Code::kInvalid, std::string("the layout has an unknown letter ") + c);
  }
}

Result<TimePattern> TimePattern::make(std::string_view layout) {
  TimePattern out;
  struct Name {
    std::string_view name;
    Named named;
  };
  constexpr Name kNames[] = {{"auto", Named::kAuto},     {"iso8601", Named::kAuto},   {"rfc3339", Named::kAuto},
                             {"unix", Named::kSeconds},  {"unix_ms", Named::kMillis}, {"unix_us", Named::kMicros},
                             {"unix_ns", Named::kNanos}, {"ISO8601", Named::kAuto},   {"UNIX", Named::kSeconds},
                             {"UNIX_MS", Named::kMillis}};
  for (const Name& known : kNames) {
    if (known.name != layout) continue;
    out.named_ = known.named;
    return out;
  }
  bool percent = layout.find('%') != std::string_view::npos;
  for (size_t at = 0; at < layout.size();) {
    char c = layout[at];
    if (percent && c == '%') {
      // %3N and %-d say how the text is padded, which reading does not mind.
      ++at;
      while (at < layout.size() && (is_digit(layout[at]) || layout[at] == '-' || layout[at] == '.')) ++at;
      if (at == layout.size()) return Error(Code::kInvalid, "the layout ends with %");
      CLEW_TRY(out.add_percent(layout[at++]));
    } else if (!percent && c == '\'') {
      size_t close = std::min(layout.find('\'', at + 1), layout.size());
      out.add_text(close == at + 1 ? "'" : layout.substr(at + 1, close - at - 1));
      at = std::min(close + 1, layout.size());
    } else if (!percent && is_letter(c)) {
      size_t end = at;
      while (end < layout.size() && layout[end] == c) ++end;
      CLEW_TRY(out.add_letters(c, end - at));
      at = end;
    } else {
      out.add_text(layout.substr(at++, 1));
    }
  }
  bool date = (out.has(Part::kDay) && (out.has(Part::kMonth) || out.has(Part::kMonthName))) ||
              out.has(Part::kDayOfYear) || out.has(Part::kEpoch);
  if (!date)
    return Error(Code::kInvalid, "the layout gives no day and month: write %Y-%m-%d %H:%M:%S, or unix, or auto");
  return out;
}

bool TimePattern::read(const Token& token, std::string_view& text, Fields& f) {
  auto blanks = [&] {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  };
  int64_t value = 0;
  switch (token.part) {
    case Part::kText:
      if (token.c == ' ') {
        bool any = !text.empty() && (text.front() == ' ' || text.front() == '\t');
        blanks();
        return any || text.empty();
      }
      if (text.empty() || text.front() != token.c) return false;
      text.remove_prefix(1);
      return true;
    case Part::kYear: return take_number(text, 4, f.year);
    case Part::kYear2:
      if (!take_number(text, 2, value)) return false;
      f.year = value < 69 ? 2000 + value : 1900 + value;
      return true;
    case Part::kMonth: return take_number(text, 2, f.month);
    case Part::kMonthName: {
      for (size_t i = 0; i < kMonths.size(); ++i) {
        if (!starts_folded(text, kMonths[i])) continue;
        text.remove_prefix(3);
        if (!kMonthEnds[i].empty() && starts_folded(text, kMonthEnds[i])) text.remove_prefix(kMonthEnds[i].size());
        f.month = static_cast<int64_t>(i) + 1;
        return true;
      }
      return false;
    }
    case Part::kDay: blanks(); return take_number(text, 2, f.day);
    case Part::kDayOfYear: return take_number(text, 3, f.day_of_year);
    case Part::kHour: blanks(); return take_number(text, 2, f.hour);
    case Part::kHour12:
      blanks();
      f.hour12 = true;
      return take_number(text, 2, f.hour);
    case Part::kHalf:
      if (text.size() < 2 || lower(text[1]) != 'm') return false;
      f.half = lower(text[0]) == 'p' ? 1 : 0;
      text.remove_prefix(2);
      return true;
    case Part::kMinute: return take_number(text, 2, f.minute);
    case Part::kSecond: return take_number(text, 2, f.second);
    case Part::kFraction: {
      size_t before = text.size();
      if (!text.empty() && (text.front() == '.' || text.front() == ',')) text.remove_prefix(1), --before;
      if (!take_number(text, 9, f.nanos)) return false;
      f.fraction_digits = static_cast<int>(before - text.size());
      for (int i = f.fraction_digits; i < 9; ++i) f.nanos *= 10;
      return true;
    }
    case Part::kZone: {
      size_t end = 0;
      while (end < text.size() && text[end] != ' ' && text[end] != ']' && text[end] != ')') ++end;
      f.zone = Zone::find(text.substr(0, end));
      text.remove_prefix(end);
      return f.zone.has_value();
    }
    case Part::kWeekday: {
      size_t end = 0;
      while (end < text.size() && is_letter(text[end])) ++end;
      text.remove_prefix(end);
      return end >= 2;
    }
    case Part::kEpoch: {
      size_t end = 0;
      while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
      f.epoch = parse_epoch_seconds(text.substr(0, end));
      text.remove_prefix(end);
      return f.epoch.has_value();
    }
  }
  return false;
}

namespace {

// A number with its point moved: 1500 ms are 1.5 s.
std::optional<Time> scaled_epoch(std::string_view text, int digits) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  if (!rest.empty() && (rest.front() != '.' || rest.find_first_not_of("0123456789", 1) != rest.npos))
    return std::nullopt;
  int64_t unit = 1;
  for (int i = digits; i < 9; ++i) unit *= 10;
  Time out;
  if (__builtin_mul_overflow(value, unit, &out.unix_nanos)) {
    out.unix_nanos = 0;
    out.out_of_range = true;
    return out;
  }
  for (size_t i = 1; i < rest.size() && unit >= 10; ++i) {
    unit /= 10;
    out.unix_nanos += (rest[i] - '0') * unit;
  }
  out.fraction_digits = static_cast<uint8_t>(digits);
  return out;
}

}  // namespace

std::optional<Time> TimePattern::parse(std::string_view text, const TimeContext& context, TimeReader& reader) const {
  switch (named_) {
    case Named::kAuto: return reader.parse(text, context);
    case Named::kSeconds: return scaled_epoch(text, 0);
    case Named::kMillis: return scaled_epoch(text, 3);
    case Named::kMicros: return scaled_epoch(text, 6);
    case Named::kNanos: return scaled_epoch(text, 9);
    case Named::kNone: break;
  }
  Fields f;
  for (const Token& token : tokens_) {
    if (!read(token, text, f)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  if (f.epoch) {
    f.epoch->unix_nanos += f.nanos;
    return f.epoch;
  }
  if (f.hour12) {
    if (f.hour < 1 || f.hour > 12) return std::nullopt;
    f.hour = f.hour % 12 + (f.half == 1 ? 12 : 0);
  }
  if (f.hour > 24 || f.minute > 59 || f.second > 60) return std::nullopt;
  Time out;
  out.fraction_digits = static_cast<uint8_t>(f.fraction_digits);
  out.assumed_zone = !f.zone;
  const Zone& zone = f.zone ? *f.zone : context.zone;
  auto seconds_of = [&](int64_t year) -> std::optional<int64_t> {
    int64_t days = 0;
    if (f.day_of_year >= 0) {
      if (f.day_of_year < 1 || f.day_of_year > (is_leap(year) ? 366 : 365)) return std::nullopt;
      days = days_of_civil(year, 1, 1) + f.day_of_year - 1;
    } else {
      if (f.month < 1 || f.month > 12 || f.day < 1 || f.day > days_of_month(year, f.month)) return std::nullopt;
      days = days_of_civil(year, static_cast<unsigned>(f.month), static_cast<unsigned>(f.day));
    }
    return zone.to_utc(days * kSecondsPerDay + f.hour * 3600 + f.minute * 60 + f.second);
  };
  std::optional<int64_t> seconds;
  if (f.year >= 0) {
    seconds = seconds_of(f.year);
  } else {
    out.assumed_year = true;
    int64_t now = context.now_nanos / kNanosPerSecond;
    int64_t year = 1970 + now / 31'556'952;
    for (int64_t tried = year + 1; tried >= year - 5; --tried) {
      seconds = seconds_of(tried);
      if (seconds && *seconds <= now + kFutureDays * kSecondsPerDay) break;
    }
  }
  if (!seconds) return std::nullopt;
  if (f.year >= 0 && (f.year < 1678 || f.year > 2261)) {
    out.out_of_range = true;
    return out;
  }
  out.unix_nanos = *seconds * kNanosPerSecond + f.nanos;
  return out;
}

}  // namespace clew::text
