// CHECK for our own broken invariants: kept in release, the process dies with the values. Never for anything that input
// can cause.
#pragma once

#include <string>

namespace clew::base {

// Prints the message and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& values);

std::string check_values();
std::string check_value(const std::string& value);
std::string check_value(const char* value);
std::string check_value(long long value);
std::string check_value(unsigned long long value);

template <class First, class... Rest>
std::string check_values(const First& first, const Rest&... rest) {
  std::string text;
  if constexpr (std::is_integral_v<First> && std::is_signed_v<First>) {
    text = check_value(static_cast<long long>(first));
  } else if constexpr (std::is_integral_v<First> || std::is_enum_v<First>) {
    text = check_value(static_cast<unsigned long long>(first));
  } else {
    text = check_value(std::string(first));
  }
  return " " + text + check_values(rest...);
}

}  // namespace clew::base

#define CHECK(condition, ...)                                                                              \
  do {                                                                                                     \
    if (!(condition)) [[unlikely]]                                                                         \
      ::clew::base::check_failed(__FILE__, __LINE__, #condition, ::clew::base::check_values(__VA_ARGS__)); \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false)
#else
#define DCHECK(condition, ...) CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
