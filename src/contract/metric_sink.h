// MetricSink takes samples and keeps them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "contract/access.h"
#include "model/metric_batch.h"

namespace clew::contract {

// What became of the samples of one write.
struct MetricAck {
  uint64_t stored = 0;
  uint64_t same = 0;  // already there with the same time and value
  // Refused, by reason; the others are stored all the same.
  uint64_t duplicates = 0;     // already there with the same time and another value
  uint64_t too_old = 0;        // before the out-of-order window
  uint64_t too_far_ahead = 0;  // later than the store's clock by more than it allows
  uint64_t bad_labels = 0;     // no metric name, too many or too long labels
  uint64_t over_limit = 0;     // a new series beyond the limit
  std::string first_refused;   // the series and reason of the first, for a person
  uint64_t refused() const { return duplicates + too_old + too_far_ahead + bad_labels + over_limit; }
};

// Threads: write on any thread; it may block briefly for memory. `done` is called exactly once, on a thread of the
// sink,
//          when everything stored is durable and visible to the next query. Samples are known by series and time: a
//          write that is sent again stores nothing twice.
// Errors:  kOverloaded, kFull, kUnavailable, kIo; nothing is stored then.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  using Done = std::function<void(Result<MetricAck>)>;
  virtual void write(const Access& access, const model::MetricBatch& batch, Done done) = 0;
};

}  // namespace clew::contract
