// One flat JSON object, written member by member. Part of clew's C++ client; needs C++17 and nothing else.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace clew {

// The value of a field. Made from any number, bool, text or nullptr; the text is copied.
class Value {
 public:
  Value(std::nullptr_t) : value_(nullptr) {}
  Value(bool value) : value_(value) {}
  Value(double value) : value_(value) {}
  Value(float value) : value_(static_cast<double>(value)) {}
  Value(const char* value) : value_(std::string(value == nullptr ? "" : value)) {}
  Value(std::string value) : value_(std::move(value)) {}
  Value(std::string_view value) : value_(std::string(value)) {}
  template <typename T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  Value(T value) : value_(std::is_signed_v<T> ? Any(static_cast<int64_t>(value)) : Any(static_cast<uint64_t>(value))) {}

  template <typename Visitor>
  void visit(Visitor&& visitor) const {
    std::visit(std::forward<Visitor>(visitor), value_);
  }

 private:
  using Any = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string>;
  Any value_;
};

using Field = std::pair<std::string, Value>;
using Fields = std::vector<Field>;

// Appends `text` in quotes. Bytes that are no UTF-8 become U+FFFD, so that the line is always JSON.
inline void append_json_text(std::string& out, std::string_view text);

// {"name":value,...}; take() ends it. Names are written as they are given: equal ones stand twice, and the last one
// holds.
class JsonLine {
 public:
  void add(std::string_view name, const Value& value) {
    begin_member(name);
    value.visit([this](const auto& held) { append(held); });
  }
  void add_text(std::string_view name, std::string_view text) {
    begin_member(name);
    append_json_text(line_, text);
  }
  void add_all(const Fields& fields) {
    for (const Field& field : fields) add(field.first, field.second);
  }
  std::string take() {
    line_ += line_.empty() ? "{}" : "}";
    return std::move(line_);
  }

 private:
  void begin_member(std::string_view name) {
    line_ += line_.empty() ? '{' : ',';
    append_json_text(line_, name);
    line_ += ':';
  }
  void append(std::nullptr_t) { line_ += "null"; }
  void append(bool value) { line_ += value ? "true" : "false"; }
  void append(int64_t value) { line_ += std::to_string(value); }
  void append(uint64_t value) { line_ += std::to_string(value); }
  void append(double value) {
    if (std::isnan(value)) return append_json_text(line_, "NaN");
    if (std::isinf(value)) return append_json_text(line_, value > 0 ? "Infinity" : "-Infinity");
    char text[32];
    const int length = std::snprintf(text, sizeof text, "%.17g", value);
    line_.append(text, static_cast<size_t>(length));
  }
  void append(const std::string& value) { append_json_text(line_, value); }

  std::string line_;
};

namespace detail {

// The length of the UTF-8 sequence at `at`, 0 when there is none.
inline size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;  // too long a form
  if (first == 0xed && byte(1) > 0x9f) return 0;  // a surrogate
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // beyond U+10FFFF
  return length;
}

}  // namespace detail

inline void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += static_cast<char>(byte);
      at++;
    } else if (byte < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
      out += escaped;
      at++;
    } else if (const size_t length = detail::utf8_length(text, at); length > 0) {
      out.append(text, at, length);
      at += length;
    } else {
      out += "\xef\xbf\xbd";
      at++;
    }
  }
  out += '"';
}

}  // namespace clew
