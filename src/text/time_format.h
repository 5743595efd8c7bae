// Times as logs write them, to nanoseconds since the epoch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace clew::text {

// A time zone: UTC, a fixed offset, or one of the tz database.
// Threads: copies share a frozen table.
class Zone {
 public:
  Zone() = default;  // UTC
  // "UTC", "Z", "+07:00", "-0330", "Asia/Ho_Chi_Minh", and the common abbreviations whose meaning is not in doubt.
  static std::optional<Zone> find(std::string_view name);

  // UTC seconds of a local time given as seconds since 1970-01-01T00:00:00 local. A local time that a clock change skips
  // or repeats is taken with the offset before the change.
  int64_t to_utc(int64_t local_seconds) const;

 private:
  struct Table;
  int64_t offset_seconds_ = 0;
  std::shared_ptr<const Table> table_;
};

struct Time {
  int64_t unix_nanos = 0;
  bool assumed_zone = false;   // the text had no zone
  bool assumed_year = false;   // the text had no year
  bool out_of_range = false;   // a time, but not one of 1678 to 2261; unix_nanos is 0
  uint8_t fraction_digits = 0;
};

// What a text does not say.
struct TimeContext {
  Zone zone;                 // of texts without a zone
  int64_t now_nanos = 0;     // a text without a year takes the one that puts it last before now, or up to two days after
};

// Reads times; remembers the layout that matched last, since the next one is mostly the same.
// Threads: one.
//
// Layouts: RFC 3339 and its relatives (`T` or blank, `.` or `,` before any fraction, zone as Z, +hh:mm, +hhmm, +hh, a
// blank and a name); dates with slashes; Apache 10/Oct/2000:13:55:36 -0700; RFC 3164 `Oct 11 22:14:15`; asctime and its
// forms with a zone; RFC 1123; 10-Oct-2000 13:55:36; glog's month, day and time; seconds, milli-, micro- and nanoseconds since the epoch,
// told apart by magnitude, with decimals.
class TimeReader {
 public:
  // The whole text is a time.
  std::optional<Time> parse(std::string_view text, const TimeContext& context);
  // A time at the start of the text, with `used` set to the bytes that it takes. Bare numbers do not count.
  std::optional<Time> parse_prefix(std::string_view text, const TimeContext& context, size_t& used);

 private:
  uint32_t last_layout_ = 0;
};

// A number as a time: seconds, milliseconds, microseconds or nanoseconds since the epoch by its magnitude. `token` is the
// number's text; digits are not lost. Nothing when it is no plain number or no likely time (before 1973 in seconds).
std::optional<Time> parse_epoch(std::string_view token);
// As parse_epoch, but always seconds.
std::optional<Time> parse_epoch_seconds(std::string_view token);

// Days since 1970-01-01; the calendar date must exist.
int64_t days_of_civil(int64_t year, unsigned month, unsigned day);

}  // namespace clew::text
