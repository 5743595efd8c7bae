// TimeLayout: how a time is written as text of a fixed length, found out from an example.
//
// On disk a layout is its pattern: %Y %m %d %H %M %S and %b (an English month of three letters), %1 to %9 (that many
// digits of the second's fraction), everything else as it stands; and the zone's offset in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clew::codec {

constexpr size_t kTimeTextMax = 48;

// Threads: one at a time; it remembers the last second.
class TimeLayout {
 public:
  // The layout of a text such as 2026-11-20T10:11:12.123Z, 2026/11/20 10:11:12,123+07:00 or 20/Nov/2026:10:11:12 +0700.
  static std::optional<TimeLayout> of_example(std::string_view text);
  // Empty for a pattern that is none.
  static std::optional<TimeLayout> of_pattern(std::string pattern, int32_t offset_seconds);

  const std::string& pattern() const { return pattern_; }
  int32_t offset_seconds() const { return offset_seconds_; }
  size_t text_bytes() const { return text_bytes_; }
  // Nanoseconds that the last digit stands for.
  int64_t unit_ns() const { return unit_ns_; }

  bool same_as(const TimeLayout& other) const {
    return pattern_ == other.pattern_ && offset_seconds_ == other.offset_seconds_;
  }

  // The time in nanoseconds, only if print() gives exactly this text again.
  bool parse(std::string_view text, int64_t& unix_nanos);
  // Writes text_bytes() characters. Digits below unit_ns() are cut. Years have four digits for every int64.
  void print(int64_t unix_nanos, char* out);

 private:
  struct Piece {
    char code = 0;  // of the pattern; 0: literal
    uint8_t at = 0;
    uint8_t bytes = 0;
  };
  TimeLayout() = default;
  bool compile();
  bool parse_second(std::string_view text, int64_t& seconds) const;
  void print_second(int64_t seconds, char* out) const;

  std::string pattern_;
  std::string literal_;  // the text with zeros in place of the pieces
  int32_t offset_seconds_ = 0;
  size_t text_bytes_ = 0;
  int64_t unit_ns_ = 1'000'000'000;
  std::vector<Piece> pieces_;
  uint8_t fraction_at_ = 0;
  uint8_t fraction_digits_ = 0;
  std::string known_text_;  // of the second known_second_
  int64_t known_second_ = 0;
};

// Days since 1970-01-01 of a date of the Gregorian calendar, and back.
int64_t days_of_date(int64_t year, unsigned month, unsigned day);
struct Date {
  int64_t year = 0;
  unsigned month = 0;
  unsigned day = 0;
};
Date date_of_days(int64_t days);

}  // namespace clew::codec
