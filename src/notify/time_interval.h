// Time intervals as Alertmanager's configuration writes them: when a route is mute or active, when a silence holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "yaml/tree.h"

namespace clew::notify {

// From `begin` to `end`, both included where these are days, months and years.
struct Span {
  int begin = 0;
  int end = 0;
};

// What is empty in it restricts nothing.
//
// Threads: contains on any thread.
struct TimeInterval {
  std::vector<Span> minutes;   // of the day, the end excluded; up to 1440
  std::vector<Span> weekdays;  // 0: Sunday
  std::vector<Span> days;      // of the month; -1: the last
  std::vector<Span> months;
  std::vector<Span> years;
  std::string location;  // a name of the time zone database; empty: UTC

  bool contains(UnixNanos at) const;
};

// True where one of them contains it.
bool any_contains(const std::vector<TimeInterval>& intervals, UnixNanos at);

// The list below `time_intervals:` of one name.
std::vector<TimeInterval> read_time_intervals(const yaml::Tree& list, yaml::Mistakes& mistakes);

}  // namespace clew::notify
