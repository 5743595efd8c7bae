// What generators of benchmark rows are made of: numbers by seed, skewed choices, pieces of JSON.
#pragma once

#include <charconv>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace clew::bench {

// One number mixed into another that looks unrelated (SplitMix64's last step).
inline uint64_t mixed(uint64_t z) {
  z += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// Threads: one at a time.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(mixed(seed)) {}
  uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15ull); }
  // In [0, n).  Requires: n < 2^32.
  uint64_t below(uint64_t n) { return (next() >> 32) * n >> 32; }
  // In [0, n), the small ones often: half of the draws lie below n/8.
  uint64_t skewed(uint64_t n) {
    double u = unit();
    return static_cast<uint64_t>(u * u * u * static_cast<double>(n));
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double p) { return unit() < p; }

 private:
  uint64_t state_;
};

inline void append_number(std::string& out, int64_t v) {
  char buffer[24];
  out.append(buffer, static_cast<size_t>(std::to_chars(buffer, buffer + sizeof buffer, v).ptr - buffer));
}

inline void append_hex(std::string& out, uint64_t v, int digits) {
  for (int i = digits - 1; i >= 0; --i) out.push_back("0123456789abcdef"[(v >> (4 * i)) & 15]);
}

// `,"name":`; the name stands in the program and needs no escape.
inline void append_name(std::string& out, std::string_view name) {
  out += ",\"";
  out += name;
  out += "\":";
}
inline void append_field(std::string& out, std::string_view name, int64_t v) {
  append_name(out, name);
  append_number(out, v);
}
// Requires: `text` has neither quotes, backslashes nor control characters.
inline void append_field(std::string& out, std::string_view name, std::string_view text) {
  append_name(out, name);
  out.push_back('"');
  out += text;
  out.push_back('"');
}

// Times as text; remembers the last second, since neighbours share it.
class TimeText {
 public:
  // 2026-11-30T08:56:53
  std::string_view iso(int64_t unix_seconds) {
    if (unix_seconds == second_) return {text_, 19};
    time_t t = unix_seconds;
    tm parts{};
    gmtime_r(&t, &parts);
    strftime(text_, sizeof text_, "%Y-%m-%dT%H:%M:%S", &parts);
    second_ = unix_seconds;
    return {text_, 19};
  }

 private:
  int64_t second_ = INT64_MIN;
  char text_[24] = {};
};

// A name of two words, one of kNames; equal for equal numbers.
constexpr uint64_t kNames = 96 * 96;
void append_made_up_name(std::string& out, uint64_t number);

}  // namespace clew::bench
