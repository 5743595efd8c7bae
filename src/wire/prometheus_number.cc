#include "wire/prometheus_number.h"

#include <array>
#include <charconv>
#include <cmath>

namespace clew::wire {

std::string exposition_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  constexpr int kExponentLeast = -4, kExponentMost = 6;  // plain digits between these
  std::array<char, 64> text{};
  char* end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
  std::string_view written(text.data(), static_cast<size_t>(end - text.data()));
  int exponent = 0;
  size_t mark = written.find('e') + 1;
  if (written[mark] == '+') ++mark;
  std::from_chars(text.data() + mark, end, exponent);
  if (exponent >= kExponentLeast && exponent < kExponentMost) {
    end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
  }
  return std::string(text.data(), end);
}

std::string open_metrics_number(double value) {
  std::string text = exposition_number(value);
  if (text.find_first_of(".eNI") == std::string::npos) text += ".0";
  return text;
}

}  // namespace clew::wire
