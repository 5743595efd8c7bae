#include "wire/python_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "model/json_text.h"
#include "text/utf8.h"
#include "wire/json_scan.h"

namespace clew::wire {
namespace {

constexpr size_t kElementsMax = 1000;
constexpr int kWidthMax = 1000;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

class TupleParser {
 public:
  explicit TupleParser(std::string_view repr) : text_(repr) {}

  std::optional<std::vector<PythonValue>> parse() {
    std::vector<PythonValue> out;
    if (!take('(')) return std::nullopt;
    while (!take(')')) {
      if (!out.empty() && !take(',')) return std::nullopt;
      if (!out.empty() && take(')')) break;  // ('a',)
      if (!out.empty() && !take(' ')) return std::nullopt;
      if (out.size() == kElementsMax || !read_value(out.emplace_back())) return std::nullopt;
    }
    if (at_ != text_.size()) return std::nullopt;
    return out;
  }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool read_value(PythonValue& out) {
    if (at_ == text_.size()) return false;
    char c = text_[at_];
    if (c == '\'' || c == '"') return read_text(out);
    size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ')') ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    out.text.assign(word);
    out.type = PythonValue::Type::kNumber;
    if (word == "None")
      out.type = PythonValue::Type::kNone;
    else if (word == "True" || word == "False")
      out.type = PythonValue::Type::kBool;
    else if (word != "nan" && word != "inf" && word != "-inf") {
      return scan::number_end(word.data(), word.data() + word.size()) == word.data() + word.size();
    }
    return true;
  }

  bool read_text(PythonValue& out) {
    out.type = PythonValue::Type::kText;
    char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\')
        out.text.push_back(text_[at_++]);
      else if (!read_escape(out.text))
        return false;
    }
    return take(quote);
  }

  bool read_escape(std::string& out) {
    if (++at_ == text_.size()) return false;
    char c = text_[at_++];
    switch (c) {
      case '\\':
      case '\'':
      case '"': out.push_back(c); return true;
      case 'n': out.push_back('\n'); return true;
      case 'r': out.push_back('\r'); return true;
      case 't': out.push_back('\t'); return true;
      case 'x': return read_code(2, out);
      case 'u': return read_code(4, out);
      case 'U': return read_code(8, out);
      default: return false;
    }
  }

  bool read_code(size_t digits, std::string& out) {
    char32_t v = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      int digit = at_ < text_.size() ? hex_value(text_[at_]) : -1;
      if (digit < 0) return false;
      v = v << 4 | static_cast<char32_t>(digit);
    }
    if (v > 0x10FFFF || (v >= 0xD800 && v < 0xE000)) return false;
    text::append_utf8(v, out);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

// One %-directive.
struct Directive {
  std::string flags;
  int width = 0;
  int precision = -1;
  char conversion = 0;
};

size_t characters(std::string_view text) {
  size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

std::string padded(std::string text, const Directive& d) {
  size_t have = characters(text);
  size_t want = static_cast<size_t>(d.width);
  if (have >= want) return text;
  bool left = d.flags.find('-') != std::string::npos;
  return left ? text + std::string(want - have, ' ') : std::string(want - have, ' ') + text;
}

std::string first_characters(const std::string& text, int count) {
  size_t at = 0;
  for (int n = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && n++ == count) break;
  }
  return text.substr(0, at);
}

std::optional<double> number_of(const PythonValue& v) {
  if (v.type == PythonValue::Type::kBool) return v.text == "True" ? 1.0 : 0.0;
  if (v.type != PythonValue::Type::kNumber) return std::nullopt;
  if (v.text == "nan") return std::nan("");
  if (v.text == "inf") return HUGE_VAL;
  if (v.text == "-inf") return -HUGE_VAL;
  double d = 0;
  auto [end, error] = std::from_chars(v.text.data(), v.text.data() + v.text.size(), d);
  if (error != std::errc()) return std::nullopt;
  return d;
}

std::string c_format(const Directive& d, const char* length) {
  std::string out = "%" + d.flags;
  if (d.width > 0) out += std::to_string(d.width);
  if (d.precision >= 0) out += "." + std::to_string(d.precision);
  return out + length + d.conversion;
}

template <class T>
std::string print(const std::string& format, T v) {
  char buffer[2 * kWidthMax + 400];
  int n = std::snprintf(buffer, sizeof buffer, format.c_str(), v);
  return n < 0 ? "" : std::string(buffer, std::min(static_cast<size_t>(n), sizeof buffer - 1));
}

std::optional<std::string> format_integer(Directive d, const PythonValue& v) {
  std::optional<double> number = number_of(v);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  bool negative = *number < 0;
  int64_t whole = 0;
  auto [end, error] = std::from_chars(v.text.data(), v.text.data() + v.text.size(), whole);
  if (error != std::errc() || *end == '.' || *end == 'e') {
    if (std::fabs(*number) > 9e15) return std::nullopt;
    whole = static_cast<int64_t>(*number);
  }
  if (d.conversion == 'd' || d.conversion == 'i' || d.conversion == 'u') {
    d.conversion = 'd';
    return print(c_format(d, "ll"), static_cast<long long>(whole));
  }
  // Negative hexadecimal and octal numbers are two's complement in C and not in Python.
  if (negative || d.flags.find('#') != std::string::npos) return std::nullopt;
  return print(c_format(d, "ll"), static_cast<unsigned long long>(whole));
}

std::string python_repr(const PythonValue& v) {
  if (v.type != PythonValue::Type::kText) return v.text;
  char quote = v.text.find('\'') != std::string::npos && v.text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (char c : v.text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == quote || c == '\\')
      out += '\\', out += c;
    else
      out += c;
  }
  return out + quote;
}

std::optional<std::string> format_value(const Directive& d, const PythonValue& v) {
  switch (d.conversion) {
    case 's': return padded(d.precision >= 0 ? first_characters(v.str(), d.precision) : v.str(), d);
    case 'r':
    case 'a': return padded(python_repr(v), d);
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': return format_integer(d, v);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': {
      std::optional<double> number = number_of(v);
      if (!number) return std::nullopt;
      return print(c_format(d, ""), *number);
    }
    case 'c':
      if (v.type != PythonValue::Type::kText || characters(v.text) != 1) return std::nullopt;
      return padded(v.text, d);
    default: return std::nullopt;
  }
}

// Reads the directive behind a %; false when it is none that we know (%(name)s, %*d).
bool read_directive(std::string_view format, size_t& at, Directive& d) {
  while (at < format.size() && std::string_view("-+ #0").find(format[at]) != std::string_view::npos) {
    if (d.flags.size() < 5) d.flags.push_back(format[at]);
    ++at;
  }
  auto number = [&](int& out) {
    out = 0;
    for (; at < format.size() && scan::is_digit(format[at]); ++at)
      out = std::min(out * 10 + (format[at] - '0'), kWidthMax + 1);
    return out <= kWidthMax;
  };
  if (!number(d.width)) return false;
  if (at < format.size() && format[at] == '.') {
    ++at;
    if (!number(d.precision)) return false;
  }
  while (at < format.size() && (format[at] == 'l' || format[at] == 'h' || format[at] == 'L')) ++at;
  if (at == format.size()) return false;
  d.conversion = format[at++];
  return true;
}

}  // namespace

void PythonValue::append_json(std::string& out) const {
  switch (type) {
    case Type::kNone: out += "null"; return;
    case Type::kBool: out += text == "True" ? "true" : "false"; return;
    case Type::kText: model::append_json_string(text, out); return;
    case Type::kNumber:
      if (scan::number_end(text.data(), text.data() + text.size()) != nullptr)
        out += text;
      else
        model::append_json_string(text, out);
      return;
  }
}

std::optional<std::vector<PythonValue>> parse_python_tuple(std::string_view repr) { return TupleParser(repr).parse(); }

std::optional<std::string> python_format(std::string_view format, const std::vector<PythonValue>& args) {
  std::string out;
  size_t used = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out.push_back(format[at++]);
      continue;
    }
    Directive d;
    if (!read_directive(format, ++at, d)) return std::nullopt;
    if (d.conversion == '%') {
      out.push_back('%');
      continue;
    }
    if (used == args.size()) return std::nullopt;
    std::optional<std::string> text = format_value(d, args[used++]);
    if (!text) return std::nullopt;
    out += *text;
  }
  if (used != args.size()) return std::nullopt;
  return out;
}

}  // namespace clew::wire
