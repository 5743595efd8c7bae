// Dates and times to text by a format, and back.
#include <cmath>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/lexer.h"
#include "expr/print.h"
#include "expr/time_math.h"

namespace clew::expr {
namespace {

using model::Type;

// A moment taken apart.
struct Parts {
  int64_t unix_nanos = 0;
  int64_t days = 0;
  CivilDate date;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t nanos = 0;
};

Parts parts_of(int64_t unix_nanos) {
  Parts parts;
  parts.unix_nanos = unix_nanos;
  parts.days = floor_div(unix_nanos, kNanosPerDay);
  parts.date = civil_of(parts.days);
  int64_t of_day = nanos_of_day(unix_nanos);
  parts.nanos = of_day % kNanosPerSecond;
  auto seconds = static_cast<int>(of_day / kNanosPerSecond);
  parts.hour = seconds / 3600;
  parts.minute = seconds / 60 % 60;
  parts.second = seconds % 60;
  return parts;
}

void padded(int64_t value, size_t digits, std::string& out, char fill = '0') {
  std::string text = std::to_string(value);
  if (text.size() < digits) out.append(digits - text.size(), fill);
  out += text;
}

int twelve(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

std::string_view half_of_day(int hour) { return hour < 12 ? "AM" : "PM"; }

std::string_view ordinal_suffix(int day) {
  if (day >= 11 && day <= 13) return "th";
  switch (day % 10) {
    case 1: return "st";
    case 2: return "nd";
    case 3: return "rd";
    default: return "th";
  }
}

void clock_24(const Parts& p, std::string& out) {
  padded(p.hour, 2, out);
  out += ':';
  padded(p.minute, 2, out);
  out += ':';
  padded(p.second, 2, out);
}

// One specifier of DATE_FORMAT. False when there is no such one.
bool format_mysql(char c, const Parts& p, std::string& out) {
  switch (c) {
    case 'a': out += weekday_name(weekday_of(p.days)).substr(0, 3); break;
    case 'b': out += month_name(p.date.month).substr(0, 3); break;
    case 'c': padded(p.date.month, 2, out); break;
    case 'D':
      padded(p.date.day, 1, out);
      out += ordinal_suffix(p.date.day);
      break;
    case 'd': padded(p.date.day, 2, out); break;
    case 'e': padded(p.date.day, 1, out); break;
    case 'f': padded(p.nanos / 1000, 6, out); break;
    case 'H': padded(p.hour, 2, out); break;
    case 'h':
    case 'I': padded(twelve(p.hour), 2, out); break;
    case 'i': padded(p.minute, 2, out); break;
    case 'j': padded(day_of_year(p.days), 3, out); break;
    case 'k': padded(p.hour, 1, out); break;
    case 'l': padded(twelve(p.hour), 1, out); break;
    case 'M': out += month_name(p.date.month); break;
    case 'm': padded(p.date.month, 2, out); break;
    case 'p': out += half_of_day(p.hour); break;
    case 'r':
      padded(twelve(p.hour), 2, out);
      out += ':';
      padded(p.minute, 2, out);
      out += ':';
      padded(p.second, 2, out);
      out += ' ';
      out += half_of_day(p.hour);
      break;
    case 'S':
    case 's': padded(p.second, 2, out); break;
    case 'T': clock_24(p, out); break;
    case 'U': padded(week_of(p.days, 0).week, 2, out); break;
    case 'u': padded(week_of(p.days, 1).week, 2, out); break;
    case 'V': padded(week_of(p.days, 2).week, 2, out); break;
    case 'v': padded(week_of(p.days, 3).week, 2, out); break;
    case 'W': out += weekday_name(weekday_of(p.days)); break;
    case 'w': padded(weekday_of(p.days), 1, out); break;
    case 'X': padded(week_of(p.days, 2).year, 4, out); break;
    case 'x': padded(week_of(p.days, 3).year, 4, out); break;
    case 'Y': padded(p.date.year, 4, out); break;
    case 'y': padded(p.date.year % 100, 2, out); break;
    default: return false;
  }
  return true;
}

std::string format_by_mysql(std::string_view format, const Parts& parts) {
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
    } else if (!format_mysql(format[++i], parts, out)) {
      out += format[i];  // MySQL: %x for an x that means nothing is x
    }
  }
  return out;
}

// One specifier of C's strftime, with Splunk's %N and %Q for fractions.
bool format_c(char c, const Parts& p, std::string& out) {
  switch (c) {
    case 'Y': padded(p.date.year, 4, out); break;
    case 'y': padded(p.date.year % 100, 2, out); break;
    case 'C': padded(p.date.year / 100, 2, out); break;
    case 'm': padded(p.date.month, 2, out); break;
    case 'B': out += month_name(p.date.month); break;
    case 'b':
    case 'h': out += month_name(p.date.month).substr(0, 3); break;
    case 'd': padded(p.date.day, 2, out); break;
    case 'e': padded(p.date.day, 2, out, ' '); break;
    case 'j': padded(day_of_year(p.days), 3, out); break;
    case 'A': out += weekday_name(weekday_of(p.days)); break;
    case 'a': out += weekday_name(weekday_of(p.days)).substr(0, 3); break;
    case 'w': padded(weekday_of(p.days), 1, out); break;
    case 'u': padded((weekday_of(p.days) + 6) % 7 + 1, 1, out); break;
    case 'U': padded(week_of(p.days, 0).week, 2, out); break;
    case 'W': padded(week_of(p.days, 5).week, 2, out); break;
    case 'V': padded(week_of(p.days, 3).week, 2, out); break;
    case 'G': padded(week_of(p.days, 3).year, 4, out); break;
    case 'g': padded(week_of(p.days, 3).year % 100, 2, out); break;
    case 'H': padded(p.hour, 2, out); break;
    case 'I': padded(twelve(p.hour), 2, out); break;
    case 'k': padded(p.hour, 2, out, ' '); break;
    case 'l': padded(twelve(p.hour), 2, out, ' '); break;
    case 'M': padded(p.minute, 2, out); break;
    case 'S': padded(p.second, 2, out); break;
    case 's': padded(floor_div(p.unix_nanos, kNanosPerSecond), 1, out); break;
    case 'f': padded(p.nanos / 1000, 6, out); break;
    case 'N': padded(p.nanos, 9, out); break;
    case 'Q': padded(p.nanos / 1'000'000, 3, out); break;
    case 'p': out += half_of_day(p.hour); break;
    case 'T':
    case 'X': clock_24(p, out); break;
    case 'R':
      padded(p.hour, 2, out);
      out += ':';
      padded(p.minute, 2, out);
      break;
    case 'F': out += print_date(p.days); break;
    case 'x':
    case 'D':
      padded(p.date.month, 2, out);
      out += '/';
      padded(p.date.day, 2, out);
      out += '/';
      padded(c == 'x' ? p.date.year : p.date.year % 100, c == 'x' ? 4 : 2, out);
      break;
    case 'c':
      out += weekday_name(weekday_of(p.days)).substr(0, 3);
      out += ' ';
      out += month_name(p.date.month).substr(0, 3);
      out += ' ';
      padded(p.date.day, 2, out);
      out += ' ';
      clock_24(p, out);
      out += ' ';
      padded(p.date.year, 4, out);
      break;
    case 'z': out += "+0000"; break;
    case 'Z': out += "UTC"; break;
    case 't': out += '\t'; break;
    case 'n': out += '\n'; break;
    case '%': out += '%'; break;
    default: return false;
  }
  return true;
}

// What is no specifier stays as it is.
std::string format_by_c(std::string_view format, const Parts& parts) {
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    bool digits = i + 2 < format.size() && format[i + 1] >= '1' && format[i + 1] <= '9' &&
                  (format[i + 2] == 'N' || format[i + 2] == 'Q');
    if (digits) {
      std::string fraction;
      padded(parts.nanos, 9, fraction);
      out += fraction.substr(0, static_cast<size_t>(format[i + 1] - '0'));
      i += 2;
    } else if (format[i + 1] == ':' && i + 2 < format.size() && format[i + 2] == 'z') {
      out += "+00:00";
      i += 2;
    } else if (format_c(format[i + 1], parts, out)) {
      ++i;
    } else {
      out += '%';
    }
  }
  return out;
}

// What STR_TO_DATE has found.
struct Found {
  int64_t year = 2000;
  int month = 1;
  int day = 1;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t nanos = 0;
  bool any_date = false;
  bool afternoon = false;
  bool twelve_hours = false;
};

bool take_number(std::string_view& text, size_t digits_max, int64_t& value) {
  size_t n = 0;
  value = 0;
  while (n < digits_max && n < text.size() && text[n] >= '0' && text[n] <= '9') value = value * 10 + (text[n++] - '0');
  text.remove_prefix(n);
  return n > 0;
}

template <class Name>
bool take_name(std::string_view& text, int first, int last, size_t letters, Name name, int& value) {
  for (int i = first; i <= last; ++i) {
    std::string_view candidate = letters == 0 ? name(i) : name(i).substr(0, letters);
    if (text.size() >= candidate.size() && equals_ignore_case(text.substr(0, candidate.size()), candidate)) {
      text.remove_prefix(candidate.size());
      value = i;
      return true;
    }
  }
  return false;
}

bool parse_by_mysql(std::string_view format, std::string_view& text, Found& found);

bool parse_specifier(char c, std::string_view& text, Found& found) {
  int64_t v = 0;
  int name = 0;
  switch (c) {
    case 'Y': found.any_date = true; return take_number(text, 4, found.year);
    case 'y':
      found.any_date = true;
      if (!take_number(text, 2, v)) return false;
      found.year = v < 70 ? 2000 + v : 1900 + v;
      return true;
    case 'c':
    case 'm':
      found.any_date = true;
      if (!take_number(text, 2, v)) return false;
      found.month = static_cast<int>(v);
      return true;
    case 'b':
    case 'M': found.any_date = true; return take_name(text, 1, 12, c == 'b' ? 3 : 0, month_name, found.month);
    case 'd':
    case 'e':
      found.any_date = true;
      if (!take_number(text, 2, v)) return false;
      found.day = static_cast<int>(v);
      return true;
    case 'D':
      found.any_date = true;
      if (!take_number(text, 2, v) || text.size() < 2) return false;
      text.remove_prefix(2);
      found.day = static_cast<int>(v);
      return true;
    case 'a':
    case 'W': return take_name(text, 0, 6, c == 'a' ? 3 : 0, weekday_name, name);
    case 'H':
    case 'k': return take_number(text, 2, found.hour);
    case 'h':
    case 'I':
    case 'l': found.twelve_hours = true; return take_number(text, 2, found.hour);
    case 'i': return take_number(text, 2, found.minute);
    case 'S':
    case 's': return take_number(text, 2, found.second);
    case 'f': {
      size_t before = text.size();
      if (!take_number(text, 9, v)) return false;
      for (size_t digits = before - text.size(); digits < 9; ++digits) v *= 10;
      found.nanos = v;
      return true;
    }
    case 'p':
      if (text.size() < 2 || (text[1] != 'M' && text[1] != 'm')) return false;
      found.afternoon = text[0] == 'P' || text[0] == 'p';
      if (!found.afternoon && text[0] != 'A' && text[0] != 'a') return false;
      found.twelve_hours = true;
      text.remove_prefix(2);
      return true;
    case 'T': return parse_by_mysql("%H:%i:%s", text, found);
    case 'r': return parse_by_mysql("%h:%i:%s %p", text, found);
    case 'j': return take_number(text, 3, v);
    case 'w': return take_number(text, 1, v);
    case '%':
      if (text.empty() || text[0] != '%') return false;
      text.remove_prefix(1);
      return true;
    default: return false;
  }
}

bool parse_by_mysql(std::string_view format, std::string_view& text, Found& found) {
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%' && i + 1 < format.size()) {
      if (!parse_specifier(format[++i], text, found)) return false;
      continue;
    }
    if (text.empty() || text[0] != format[i]) return false;
    text.remove_prefix(1);
  }
  return true;
}

std::optional<int64_t> moment_of(const Found& found) {
  int64_t hour = found.hour;
  if (found.twelve_hours) {
    if (hour < 1 || hour > 12) return std::nullopt;
    hour = hour % 12 + (found.afternoon ? 12 : 0);
  }
  bool sane = is_date(found.year, found.month, found.day) && hour < 24 && found.minute < 60 && found.second < 60 &&
              found.year >= 1678 && found.year < 2262;
  if (!sane) return std::nullopt;
  int64_t seconds = hour * 3600 + found.minute * 60 + found.second;
  return days_of(found.year, found.month, found.day) * kNanosPerDay + seconds * kNanosPerSecond + found.nanos;
}

std::optional<int64_t> moment(const Bound& call, const Cell& cell) {
  if (cell.type != Type::kString) return to_timestamp(cell, call.now);
  std::optional<int64_t> t = parse_timestamp(cell.text);
  if (!t) {
    std::optional<int64_t> of_day = parse_time(cell.text);
    if (of_day) t = floor_div(call.now, kNanosPerDay) * kNanosPerDay + *of_day;
  }
  return t;
}

Status date_format(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = moment(call, args[0]);
  if (!t || !is_text(args[1].type)) {
    out.add_null();
  } else {
    out.add_string(format_by_mysql(args[1].text, parts_of(*t)));
  }
  return {};
}

Status str_to_date(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Found found;
  std::string_view text = args[0].text;
  bool parsed = is_text(args[0].type) && is_text(args[1].type) && parse_by_mysql(args[1].text, text, found);
  std::optional<int64_t> t;
  if (parsed) t = moment_of(found);
  if (t) {
    out.add_lane(Type::kTimestamp, *t);
  } else {
    out.add_null();
  }
  return {};
}

std::optional<int64_t> of_unix_seconds(const Cell& cell) {
  if (is_integer(cell.type)) {
    int64_t nanos = 0;
    if (__builtin_mul_overflow(cell.i64, kNanosPerSecond, &nanos)) return std::nullopt;
    return nanos;
  }
  std::optional<double> seconds = to_double(cell);
  if (!seconds || !(std::fabs(*seconds) < 9.2e9)) return std::nullopt;
  return std::llround(*seconds * 1e6) * 1000;
}

Status strftime(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  bool number = is_number(args[0].type);
  std::optional<int64_t> t = number ? of_unix_seconds(args[0]) : moment(call, args[0]);
  if (!t || !is_text(args[1].type)) {
    out.add_null();
  } else {
    out.add_string(format_by_c(args[1].text, parts_of(*t)));
  }
  return {};
}

Status from_unixtime(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> t = of_unix_seconds(args[0]);
  if (!t || *t < 0) {
    out.add_null();
  } else if (args.size() == 1) {
    out.add_lane(Type::kTimestamp, *t);
  } else {
    out.add_string(format_by_mysql(args[1].text, parts_of(*t)));
  }
  return {};
}

struct FormatName {
  std::string_view type;
  std::string_view place;
  std::string_view format;
};
constexpr FormatName kFormats[] = {
    {"DATE", "USA", "%m.%d.%Y"},
    {"DATE", "JIS", "%Y-%m-%d"},
    {"DATE", "ISO", "%Y-%m-%d"},
    {"DATE", "EUR", "%d.%m.%Y"},
    {"DATE", "INTERNAL", "%Y%m%d"},
    {"DATETIME", "USA", "%Y-%m-%d %H.%i.%s"},
    {"DATETIME", "JIS", "%Y-%m-%d %H:%i:%s"},
    {"DATETIME", "ISO", "%Y-%m-%d %H:%i:%s"},
    {"DATETIME", "EUR", "%Y-%m-%d %H.%i.%s"},
    {"DATETIME", "INTERNAL", "%Y%m%d%H%i%s"},
    {"TIME", "USA", "%h:%i:%s %p"},
    {"TIME", "JIS", "%H:%i:%s"},
    {"TIME", "ISO", "%H:%i:%s"},
    {"TIME", "EUR", "%H.%i.%s"},
    {"TIME", "INTERNAL", "%H%i%s"},
};

Status get_format(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string_view type = args[0].text == "TIMESTAMP" ? "DATETIME" : args[0].text;
  for (const FormatName& known : kFormats) {
    if (known.type != type || !equals_ignore_case(known.place, args[1].text)) continue;
    out.add_string(known.format);
    return {};
  }
  out.add_null();
  return {};
}

Type from_unixtime_type(std::span<const BoundPtr> args) { return args.size() == 1 ? Type::kTimestamp : Type::kString; }

constexpr FunctionDef kTable[] = {
    {"date_format", 2, 2, always<Type::kString>, date_format},
    {"time_format", 2, 2, always<Type::kString>, date_format},
    {"strftime", 2, 2, always<Type::kString>, strftime},
    {"str_to_date", 2, 2, always<Type::kTimestamp>, str_to_date},
    {"from_unixtime", 1, 2, from_unixtime_type, from_unixtime},
    {"get_format", 2, 2, always<Type::kString>, get_format, kKeywords},
};

}  // namespace

std::span<const FunctionDef> time_format_functions() { return kTable; }

}  // namespace clew::expr
