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

  // UTC seconds of a local time given as seconds since 1970-01-01T00:00:00 local. A local time that a clock change
  // skips or repeats is taken with the offset before the change.
  int64_t to_utc(int64_t local_seconds) const;

 private:
  struct Table;
  int64_t offset_seconds_ = 0;
  std::shared_ptr<const Table> table_;
};

struct Time {
  int64_t unix_nanos = 0;
  bool assumed_zone = false;  // the text had no zone
  bool assumed_year = false;  // the text had no year
  bool out_of_range = false;  // a time, but not one of 1678 to 2261; unix_nanos is 0
  uint8_t fraction_digits = 0;
};

// What a text does not say.
struct TimeContext {
  Zone zone;              // of texts without a zone
  int64_t now_nanos = 0;  // a text without a year takes the one that puts it last before now, or up to two days after
};

// Reads times; remembers the zone that was named last.
// Threads: one.
//
// Layouts: RFC 3339 and its relatives (`T` or blank, `.` or `,` before any fraction, zone as Z, +hh:mm, +hhmm, +hh or a
// name after a blank), with dashes, slashes or without separators; Apache's 10/Oct/2000:13:55:36 -0700; RFC 3164's
// `Oct 11 22:14:15`; asctime, with a fraction or a zone too; RFC 1123; 10-Oct-2000 13:55:36; Oct 11, 2000 1:55:36 PM;
// two-digit years (17/06/09 20:10:40, 170609 20:10:40); glog's I1120 10:37:05.485123.
class TimeReader {
 public:
  // The whole text is a time; a date alone is its midnight, a number is parse_epoch's.
  std::optional<Time> parse(std::string_view text, const TimeContext& context);
  // A date and time at the start of the text, with `used` set to the bytes that it takes, its zone included. Bare
  // numbers and bare dates do not count.
  std::optional<Time> parse_prefix(std::string_view text, const TimeContext& context, size_t& used);

 private:
  friend class TimeScanner;
  bool parse_common(std::string_view text, const TimeContext& context, Time& time);

  static constexpr size_t kMinuteBytes = 16;
  char minute_text_[kMinuteBytes] = {};  // `YYYY-MM-DD hh:mm` of the last time in the common layout
  int64_t minute_seconds_ = 0;           // what it is, taken as UTC
  std::string zone_name_;
  Zone zone_;
};

// A number as a time: seconds, milliseconds, microseconds or nanoseconds since the epoch by its magnitude. `token` is
// the number's text; digits are not lost. Nothing when it is no plain number or no likely time (before 1973 in
// seconds).
std::optional<Time> parse_epoch(std::string_view token);
// As parse_epoch, but always seconds.
std::optional<Time> parse_epoch_seconds(std::string_view token);

// Days since 1970-01-01; the calendar date must exist.
int64_t days_of_civil(int64_t year, unsigned month, unsigned day);

}  // namespace clew::text
