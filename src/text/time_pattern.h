// TimePattern: reads times by a layout that somebody wrote down, as strptime's (`%d/%b/%Y:%H:%M:%S %z`) or as Joda's
// and Java's (`dd/MMM/yyyy:HH:mm:ss Z`).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/time_format.h"

namespace clew::text {

// Names instead of a layout: auto (whatever time_format.h knows), iso8601, unix, unix_ms, unix_us, unix_ns.
//
// Threads: parse() with a TimeReader of the thread's own.
class TimePattern {
 public:
  // Errors: kInvalid for an unknown letter or a layout that gives no date.
  static Result<TimePattern> make(std::string_view layout);
  // The whole text is such a time. The reader serves `auto` and names of zones.
  std::optional<Time> parse(std::string_view text, const TimeContext& context, TimeReader& reader) const;

 private:
  enum class Part : uint8_t {
    kText,
    kYear,
    kYear2,
    kMonth,
    kMonthName,
    kDay,
    kDayOfYear,
    kHour,
    kHour12,
    kHalf,
    kMinute,
    kSecond,
    kFraction,
    kZone,
    kWeekday,
    kEpoch,
  };
  enum class Named : uint8_t { kNone, kAuto, kSeconds, kMillis, kMicros, kNanos };
  struct Token {
    Part part = Part::kText;
    char c = 0;
  };
  struct Fields;
  Status add_percent(char c);
  Status add_letters(char c, size_t count);
  void add_text(std::string_view text);
  static bool read(const Token& token, std::string_view& text, Fields& fields);

  Named named_ = Named::kNone;
  std::vector<Token> tokens_;
  bool has(Part part) const;
};

}  // namespace clew::text
