// Graphite's plain text protocol: a sample a line.
//
//   servers.web1.cpu.load 0.25 1795171020
//   cpu.load;host=web1;core=0 0.25            tags; without a time or with -1 or N: now
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace clew::wire {

constexpr size_t kGraphiteTagsMax = 128;

// Views into the line.
struct GraphiteLine {
  std::string_view path;
  std::vector<std::pair<std::string_view, std::string_view>> tags;
  double value = 0;
  int64_t millis = 0;  // since the epoch; 0: now
};

// Errors: kInvalid, with the column from 1 and what was expected.
Status read_graphite_line(std::string_view line, GraphiteLine& out);

}  // namespace clew::wire
