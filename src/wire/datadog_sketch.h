// The sketches of Datadog's agent: counts by key, keys growing by 1.5 % of a value.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "wire/exponential_histogram.h"

namespace clew::wire {

struct DatadogSketch {
  int64_t seconds = 0;  // since the epoch
  double min = 0;
  double max = 0;
  ExponentialHistogram histogram;  // of scale 5, or coarser: each key counts as the middle of its range
};

// Reads a Dogsketch message.
// Errors: kInvalid for what is none, for keys without as many counts, and for keys beyond what a number can be.
Result<DatadogSketch> read_datadog_sketch(std::string_view message);

}  // namespace clew::wire
