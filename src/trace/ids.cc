#include "trace/ids.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace clew::trace {
namespace {

constexpr size_t kShortDigits = 16;
constexpr size_t kLongDigits = 32;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

std::string_view without_zeros(std::string_view id) {
  size_t first = id.find_first_not_of('0');
  return first == id.npos ? id : id.substr(first);
}

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

std::string padded(std::string_view id, size_t digits) {
  return id.size() >= digits ? std::string(id) : std::string(digits - id.size(), '0') + std::string(id);
}

}  // namespace

bool is_hex_id(std::string_view text) { return text.size() >= kShortDigits && is_hex(text); }

std::string hex_of_decimal(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) return {};
  char digits[kShortDigits];
  auto [last, ignored] = std::to_chars(digits, digits + sizeof digits, number, 16);
  return padded({digits, static_cast<size_t>(last - digits)}, kShortDigits);
}

bool same_trace(std::string_view a, std::string_view b) {
  if (a == b || a.empty() || b.empty()) return true;
  if (is_hex(a) && is_hex(b)) {
    std::string_view x = without_zeros(a);
    std::string_view y = without_zeros(b);
    if (x.size() == y.size() &&
        std::equal(x.begin(), x.end(), y.begin(), [](char p, char q) { return lower(p) == lower(q); }))
      return true;
    // Datadog's logs may know the lower half of a trace id only.
    std::string_view tail = a.size() > kShortDigits ? a.substr(a.size() - kShortDigits) : a;
    if (hex_of_decimal(b) == tail) return true;
    tail = b.size() > kShortDigits ? b.substr(b.size() - kShortDigits) : b;
    return hex_of_decimal(a) == tail;
  }
  return false;
}

std::string decimal_of_hex(std::string_view id) {
  if (!is_hex(id) || id.size() < kShortDigits || id.size() > kLongDigits) return {};
  std::string_view tail = id.substr(id.size() - kShortDigits);
  uint64_t number = 0;
  std::from_chars(tail.data(), tail.data() + tail.size(), number, 16);
  return number == 0 ? std::string() : std::to_string(number);
}

std::vector<std::string> spellings(std::string_view id) {
  std::vector<std::string> out{std::string(id)};
  auto add = [&](std::string text) {
    if (!text.empty() && std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  };
  if (!is_hex(id) || id.size() > kLongDigits) return out;
  std::string small(id);
  std::transform(small.begin(), small.end(), small.begin(), lower);
  add(small);
  if (id.size() >= kShortDigits) {
    std::string large(small);
    std::transform(large.begin(), large.end(), large.begin(), upper);
    add(std::move(large));  // as some writers of X-B3-TraceId do
  }
  std::string_view bare = without_zeros(small);
  if (bare.size() <= kShortDigits) {
    add(std::string(bare));
    add(padded(bare, kShortDigits));
  }
  if (id.size() >= kShortDigits) {
    add(padded(bare, kLongDigits));
  }
  std::string decimal = hex_of_decimal(id);
  if (!decimal.empty() && id.size() > 8 && bare.size() == id.size()) {
    add(decimal);
    add(padded(decimal, kLongDigits));
  }
  return out;
}

}  // namespace clew::trace
