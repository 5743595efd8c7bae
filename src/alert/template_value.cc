#include "alert/template_value.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace clew::alert {
namespace {

constexpr int kPrecisionMost = 300;
constexpr int kWidthMost = 10'000;

struct Verb {
  bool plus = false, minus = false, zero = false, sharp = false, space = false;
  int width = -1;
  int precision = -1;
  char letter = 0;
};

std::string padded(const Verb& verb, std::string text) {
  // Counted in characters.
  size_t length = 0;
  for (char c : text) length += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  if (verb.width < 0 || length >= static_cast<size_t>(verb.width)) return text;
  size_t missing = static_cast<size_t>(verb.width) - length;
  if (verb.minus) return text + std::string(missing, ' ');
  bool number = verb.letter != 's' && verb.letter != 'v' && verb.letter != 'q';
  if (verb.zero && number) {
    size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    return text.substr(0, sign) + std::string(missing, '0') + text.substr(sign);
  }
  return std::string(missing, ' ') + text;
}

std::string quoted_go(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string signed_text(const Verb& verb, std::string digits, bool negative) {
  if (negative) return "-" + digits;
  if (verb.plus) return "+" + digits;
  return verb.space ? " " + digits : digits;
}

std::string real_text(const Verb& verb, double value) {
  if (!std::isfinite(value)) {
    std::string text = std::isnan(value) ? "NaN" : "Inf";
    if (std::isinf(value)) text = (value < 0 ? "-" : "+") + text;
    return text;
  }
  char letter = verb.letter == 'v' ? 'g' : verb.letter;
  if (letter == 'F') letter = 'f';
  double size = std::fabs(value);
  std::string digits;
  if (letter == 'g' || letter == 'G') {
    digits = general_text(size, verb.precision);
  } else if (letter == 'e' || letter == 'E') {
    digits = fmt::format("{:.{}e}", size, verb.precision < 0 ? 6 : verb.precision);
  } else {
    digits = fmt::format("{:.{}f}", size, verb.precision < 0 ? 6 : verb.precision);
  }
  return signed_text(verb, digits, std::signbit(value));
}

std::string whole_text(const Verb& verb, int64_t value) {
  uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  switch (verb.letter) {
    case 'x': digits = (verb.sharp ? "0x" : "") + fmt::format("{:x}", size); break;
    case 'X': digits = (verb.sharp ? "0X" : "") + fmt::format("{:X}", size); break;
    case 'o': digits = (verb.sharp ? "0" : "") + fmt::format("{:o}", size); break;
    case 'b': digits = fmt::format("{:b}", size); break;
    default: digits = fmt::format("{}", size);
  }
  return signed_text(verb, digits, value < 0);
}

std::string wrong_verb(const Verb& verb, const Value& value) {
  if (value.kind == Value::Kind::kNone) return fmt::format("%!{}(<nil>)", verb.letter);
  return fmt::format("%!{}({}={})", verb.letter, value.type_text(), print_value(value));
}

std::string text_by_verb(const Verb& verb, std::string_view text) {
  std::string out(text);
  if (verb.precision >= 0 && out.size() > static_cast<size_t>(verb.precision)) {
    out.resize(static_cast<size_t>(verb.precision));
  }
  if (verb.letter == 'q') return quoted_go(out);
  if (verb.letter == 'x' || verb.letter == 'X') {
    std::string hex;
    for (char c : out)
      hex += fmt::format(fmt::runtime(verb.letter == 'x' ? "{:02x}" : "{:02X}"), static_cast<unsigned char>(c));
    return hex;
  }
  return out;
}

std::string by_verb(const Verb& verb, const Value& value) {
  std::string_view letters;
  switch (value.kind) {
    case Value::Kind::kFloat: letters = "vgGeEfF"; break;
    case Value::Kind::kInt: letters = "vdxXobc"; break;
    case Value::Kind::kText: letters = "vsqxX"; break;
    case Value::Kind::kBool: letters = "vt"; break;
    case Value::Kind::kDuration:
    case Value::Kind::kTime: letters = value.kind == Value::Kind::kDuration ? "vsqd" : "vsq"; break;
    default: letters = "vs";
  }
  if (verb.letter == 'T') return std::string(value.type_text());
  if (letters.find(verb.letter) == std::string_view::npos) return wrong_verb(verb, value);
  if (value.kind == Value::Kind::kFloat) return real_text(verb, value.real);
  if (verb.letter == 'c') return std::string(1, static_cast<char>(value.integer & 0x7f));
  if (value.kind == Value::Kind::kInt || verb.letter == 'd') return whole_text(verb, value.integer);
  if (value.is_text()) return text_by_verb(verb, value.text);
  return text_by_verb(verb, print_value(value));
}

// The shortest digits that read back; with an exponent below 1e-4 and from 1e6 on.
std::string shortest_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  double size = std::fabs(value);
  auto form = size != 0 && (size < 1e-4 || size >= 1e6) ? std::chars_format::scientific : std::chars_format::fixed;
  // As many bytes as a number below 1e6 may take.
  std::array<char, 64> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form);
  return {buffer.data(), end};
}

// Reads what stands behind a %, from `at` on; `take` gives the values for *.
size_t read_verb(std::string_view format, size_t at, Verb& verb) {
  for (; at < format.size(); ++at) {
    char c = format[at];
    if (c == '+') {
      verb.plus = true;
    } else if (c == '-') {
      verb.minus = true;
    } else if (c == '0') {
      verb.zero = true;
    } else if (c == '#') {
      verb.sharp = true;
    } else if (c == ' ') {
      verb.space = true;
    } else {
      break;
    }
  }
  auto number = [&](int most) {
    int value = 0;
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
      value = std::min(value * 10 + (format[at] - '0'), most);
    }
    return value;
  };
  if (at < format.size() && format[at] >= '0' && format[at] <= '9') verb.width = number(kWidthMost);
  if (at < format.size() && format[at] == '.') {
    ++at;
    verb.precision = number(kPrecisionMost);
  }
  if (at < format.size()) verb.letter = format[at++];
  return at;
}

}  // namespace

Value Value::of(bool value) {
  Value out;
  out.kind = Kind::kBool;
  out.truth = value;
  return out;
}
Value Value::of(int64_t value) {
  Value out;
  out.kind = Kind::kInt;
  out.integer = value;
  return out;
}
Value Value::of(double value) {
  Value out;
  out.kind = Kind::kFloat;
  out.real = value;
  return out;
}
Value Value::of(std::string value) {
  Value out;
  out.kind = Kind::kText;
  out.text = std::move(value);
  return out;
}
Value Value::of(ValueList values) {
  Value out;
  out.kind = Kind::kList;
  out.list = std::make_shared<const ValueList>(std::move(values));
  return out;
}
Value Value::map_of(ValueMap values) {
  Value out;
  out.kind = Kind::kMap;
  out.map = std::make_shared<const ValueMap>(std::move(values));
  return out;
}
Value Value::struct_of(ValueMap values) {
  Value out = map_of(std::move(values));
  out.kind = Kind::kStruct;
  return out;
}

bool Value::is_true() const {
  switch (kind) {
    case Kind::kNone: return false;
    case Kind::kBool: return truth;
    case Kind::kInt:
    case Kind::kDuration: return integer != 0;
    case Kind::kFloat: return real != 0;
    case Kind::kText: return !text.empty();
    case Kind::kList: return !list->empty();
    case Kind::kMap: return !map->empty();
    case Kind::kStruct:
    case Kind::kTime: return true;
  }
  return false;
}

std::string_view Value::type_text() const {
  switch (kind) {
    case Kind::kNone: return "nil";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kFloat: return "float64";
    case Kind::kText: return "string";
    case Kind::kList: return "list";
    case Kind::kMap: return "map";
    case Kind::kStruct: return "sample";
    case Kind::kDuration: return "time.Duration";
    case Kind::kTime: return "time.Time";
  }
  return "";
}

std::string general_text(double value, int precision) {
  if (precision < 0) return shortest_text(value);
  if (precision == 0) precision = 1;
  std::string text = fmt::format("{:.{}g}", value, precision);
  return text;
}

std::string duration_value_text(int64_t nanos) {
  if (nanos == 0) return "0s";
  bool negative = nanos < 0;
  uint64_t left = negative ? 0 - static_cast<uint64_t>(nanos) : static_cast<uint64_t>(nanos);
  auto fraction = [](uint64_t whole, uint64_t part, uint64_t unit) {
    std::string text = fmt::format("{}", whole);
    if (part == 0) return text;
    std::string digits = fmt::format("{}", part + unit).substr(1);
    while (digits.back() == '0') digits.pop_back();
    return text + "." + digits;
  };
  std::string out = negative ? "-" : "";
  if (left < 1'000) return out + fmt::format("{}ns", left);
  if (left < 1'000'000) return out + fraction(left / 1'000, left % 1'000, 1'000) + "µs";
  if (left < 1'000'000'000) return out + fraction(left / 1'000'000, left % 1'000'000, 1'000'000) + "ms";
  uint64_t seconds = left / 1'000'000'000;
  if (seconds >= 3600) out += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) out += fmt::format("{}m", seconds / 60 % 60);
  return out + fraction(seconds % 60, left % 1'000'000'000, 1'000'000'000) + "s";
}

std::string time_value_text(int64_t nanos) {
  int64_t seconds = nanos / 1'000'000'000;
  int64_t part = nanos % 1'000'000'000;
  if (part < 0) {
    part += 1'000'000'000;
    --seconds;
  }
  namespace chrono = std::chrono;
  auto days = chrono::floor<chrono::days>(chrono::sys_seconds(chrono::seconds(seconds)));
  chrono::year_month_day date(days);
  int64_t of_day = seconds - days.time_since_epoch().count() * 86'400;
  std::string text = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), of_day / 3600,
                                 of_day / 60 % 60, of_day % 60);
  if (part != 0) {
    std::string digits = fmt::format("{:09}", part);
    while (digits.back() == '0') digits.pop_back();
    text += "." + digits;
  }
  return text + " +0000 UTC";
}

std::string print_value(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNone: return "<no value>";
    case Value::Kind::kBool: return value.truth ? "true" : "false";
    case Value::Kind::kInt: return fmt::format("{}", value.integer);
    case Value::Kind::kFloat: return general_text(value.real, -1);
    case Value::Kind::kText: return value.text;
    case Value::Kind::kDuration: return duration_value_text(value.integer);
    case Value::Kind::kTime: return time_value_text(value.integer);
    case Value::Kind::kList: {
      std::string out = "[";
      for (const Value& one : *value.list) out += (out.size() > 1 ? " " : "") + print_value(one);
      return out + "]";
    }
    case Value::Kind::kMap: {
      std::string out = "map[";
      for (const auto& [name, one] : *value.map) out += (out.size() > 4 ? " " : "") + name + ":" + print_value(one);
      return out + "]";
    }
    case Value::Kind::kStruct: {
      std::string out = "{";
      for (const auto& [name, one] : *value.map) out += (out.size() > 1 ? " " : "") + print_value(one);
      return out + "}";
    }
  }
  return "";
}

std::string print_values(const ValueList& values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && !values[i].is_text() && !values[i - 1].is_text()) out += ' ';
    out += print_value(values[i]);
  }
  return out;
}

std::string format_values(std::string_view format, const ValueList& values) {
  std::string out;
  size_t used = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    Verb verb;
    at = read_verb(format, at + 1, verb);
    if (verb.letter == '%') {
      out += '%';
    } else if (verb.letter == 0) {
      out += "%!(NOVERB)";
    } else if (used >= values.size()) {
      out += fmt::format("%!{}(MISSING)", verb.letter);
    } else {
      out += padded(verb, by_verb(verb, values[used++]));
    }
  }
  if (used < values.size()) {
    out += "%!(EXTRA ";
    for (size_t i = used; i < values.size(); ++i) {
      out += fmt::format("{}{}={}", i > used ? ", " : "", values[i].type_text(), print_value(values[i]));
    }
    out += ")";
  }
  return out;
}

}  // namespace clew::alert
