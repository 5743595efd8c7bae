#include "query/promql/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace clew::query::promql {
namespace {

struct Unit {
  std::string_view name;
  int64_t millis;
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 31'536'000'000},
                                         {"w", 604'800'000},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}}};
constexpr int64_t kDurationMax = std::numeric_limits<int64_t>::max() / 1'000'000;  // nanoseconds fit into 64 bits

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

std::optional<double> parse_digits(std::string text) {
  std::string digits;
  bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  for (size_t i = hex ? 2 : 0; i < text.size(); ++i) {
    if (text[i] == '_') continue;
    digits += text[i];
  }
  if (hex) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return static_cast<double>(value);
  }
  if (digits.empty() || (!is_digit(digits[0]) && digits[0] != '.')) return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    return digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos ? 0 : HUGE_VAL;
  }
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> parse_duration(std::string_view text) {
  size_t at = 0;
  size_t next_unit = 0;
  int64_t total = 0;
  while (at < text.size()) {
    int64_t count = 0;
    size_t digits = at;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      count = count * 10 + (text[at] - '0');
      if (count > kDurationMax) return std::nullopt;
    }
    size_t letters = at;
    while (at < text.size() && is_letter(text[at])) ++at;
    if (letters == digits || at == letters) return std::nullopt;
    std::string_view name = text.substr(letters, at - letters);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return std::nullopt;
    if (count > kDurationMax / kUnits[next_unit].millis) return std::nullopt;
    total += count * kUnits[next_unit++].millis;
    if (total > kDurationMax) return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  return total;
}

std::string duration_text(int64_t millis) {
  if (millis == 0) return "0s";
  std::string out;
  uint64_t left = static_cast<uint64_t>(millis);
  if (millis < 0) {
    out = "-";
    left = 0 - left;
  }
  for (const Unit& unit : kUnits) {
    auto size = static_cast<uint64_t>(unit.millis);
    bool whole_only = unit.name == "y" || unit.name == "w";
    if (left < size || (whole_only && left % size != 0)) continue;
    out += fmt::format("{}{}", left / size, unit.name);
    left %= size;
  }
  return out;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  // The shortest digits that read back; an exponent below 1e-4 and from 1e21 on, of two digits at least.
  std::array<char, 64> buffer;
  double size = std::fabs(value);
  auto form = size < 1e-4 || size >= 1e21 ? std::chars_format::scientific : std::chars_format::fixed;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form);
  return {buffer.data(), end};
}

std::optional<double> parse_number(std::string_view text) {
  bool minus = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    minus = text[0] == '-';
    text.remove_prefix(1);
  }
  std::string lower;
  for (char c : text) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  std::optional<double> value;
  if (lower == "inf" || lower == "infinity") {
    value = HUGE_VAL;
  } else if (lower == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    value = parse_digits(std::string(text));
  }
  if (value && minus) *value = -*value;
  return value;
}

}  // namespace clew::query::promql
