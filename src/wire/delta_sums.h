// DeltaSums adds up what senders give as differences (OpenTelemetry's delta temporality) to totals that rise.
//
// Nothing of it outlives the process, and nothing needs to: a series that is not known (any more) begins to count at
// the start of its first difference, which is stored with each total, so that rate() and increase() see a reset there
// and lose nothing. Bounded: the series that was heard of longest ago makes room.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "wire/exponential_histogram.h"

namespace clew::wire {

constexpr size_t kDeltaSeriesMax = 1'000'000;
constexpr size_t kDeltaBytesMax = 256u << 20;
constexpr size_t kDeltaBucketsMax = 160;  // of a side of an exponential histogram, as SDKs have it

struct DeltaLimits {
  size_t series_max = kDeltaSeriesMax;
  size_t bytes_max = kDeltaBytesMax;
};

// Times in nanoseconds since the epoch.
struct DeltaInterval {
  uint64_t start = 0;  // 0 unknown
  uint64_t end = 0;
};

enum class DeltaOutcome : uint8_t {
  kBegun,     // the first of its series
  kAdded,     // the total has risen by it
  kRepeated,  // the newest that is known, sent again: the total is the same
  kOld,       // older than the newest: nothing was done
};
struct DeltaAdded {
  DeltaOutcome outcome = DeltaOutcome::kAdded;
  uint64_t start = 0;  // since when the total counts; 0 unknown
  // The total is the series' first difference: where it begins from zero is to be told, also when it is sent again
  // because the store could not take it.
  bool first = false;
};

// Threads: all functions on any thread.
class DeltaSums {
 public:
  explicit DeltaSums(DeltaLimits limits = {}) : limits_(limits) {}

  // `series` is any text that names it, the bounds of its buckets included. `values` come as differences and are given
  // back as totals. Requires: as many values as the series had before.
  DeltaAdded add(std::string_view series, DeltaInterval interval, std::span<double> values);
  DeltaAdded add(std::string_view series, DeltaInterval interval, ExponentialHistogram& histogram);

  size_t series_count() const;
  uint64_t forgotten_count() const;  // series that made room for others

 private:
  struct State {
    uint64_t start = 0;
    uint64_t newest = 0;
    bool first = true;  // of its differences only one has come
    std::vector<double> values;
    ExponentialHistogram histogram;
    std::list<std::string_view>::iterator used;  // in used_
    size_t bytes = 0;
  };
  // The series' state, and what is to be done with it.
  State& find(std::string_view series, DeltaInterval interval, DeltaAdded& added) CLEW_REQUIRES(mutex_);
  void account(std::string_view series, State& state) CLEW_REQUIRES(mutex_);
  void make_room() CLEW_REQUIRES(mutex_);

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  const DeltaLimits limits_;
  mutable base::Mutex mutex_;
  std::unordered_map<std::string, State, Hash, std::equal_to<>> states_ CLEW_GUARDED_BY(mutex_);
  std::list<std::string_view> used_ CLEW_GUARDED_BY(mutex_);  // views of the keys, the oldest first
  size_t bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  uint64_t forgotten_ CLEW_GUARDED_BY(mutex_) = 0;
};

}  // namespace clew::wire
