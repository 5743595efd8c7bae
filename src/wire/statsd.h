// StatsD and DogStatsD: one line of a packet.
//
//   NAME:VALUE[:VALUE...]|TYPE[|@RATE][|#TAG:VALUE,TAG...][|TSECONDS]   types c g ms h d s, gauges also +N and -N
//   NAME:VALUE|TYPE:VALUE|TYPE                                           several of one name
//   NAME,TAG=VALUE:...   NAME[TAG=VALUE]:...   NAME#TAG=VALUE:...         tags as Influx, SignalFx and Librato write
//   them _e{TITLE BYTES,TEXT BYTES}:TITLE|TEXT|...                            an event _sc|NAME|STATUS|... a service
//   check
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace clew::wire {

enum class StatsdKind : uint8_t { kCounter, kGauge, kTimer, kSet };

struct StatsdValue {
  StatsdKind kind = StatsdKind::kCounter;
  double value = 0;           // of a timer in seconds where its type is ms; of a set unused
  std::string_view member{};  // of a set
  bool change = false;        // of a gauge: to be added to what it was
};

// Views into the line.
struct StatsdLine {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string_view>> tags;  // a tag without a value has "true"
  std::vector<StatsdValue> values;                                  // at least one
  double rate = 1;                                                  // of (0, 1]
  int64_t millis = 0;                                               // since the epoch; 0 unless the line says
  std::string_view head;  // name and tags as they came: lines with the same two are of the same series
  std::string_view tail;
};

constexpr size_t kStatsdValuesMax = 10'000;  // of a line
constexpr size_t kStatsdTagsMax = 128;

// What a line is.
enum class StatsdForm : uint8_t { kSamples, kEvent, kServiceCheck };
StatsdForm statsd_form_of(std::string_view line);

// Requires: kSamples.
// Errors: kInvalid, with the column from 1 and what was expected; kUnsupported for a type that is none.
Status read_statsd_line(std::string_view line, StatsdLine& out);

// An event or service check as a JSON object with the names that events of Datadog have elsewhere in clew: message,
// title, level, timestamp, host.name, tags.NAME ...
// Errors: kInvalid, with the column and what was expected.
Status statsd_json(std::string_view line, StatsdForm form, std::string& json);

}  // namespace clew::wire
