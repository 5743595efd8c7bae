// DeliveryWatch: how the events of each source get to a server: how often they were sent, and how long they took from
// the queue to the answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace clew::collect {

// Since the agent's start.
struct Delivery {
  uint64_t sent = 0;  // events, each time they were sent
  uint64_t done = 0;  // events that a server has stored or refused
  // Milliseconds from the append of a batch to its answer, of the last ones.
  uint64_t last_ms = 0;
  uint64_t p50_ms = 0;
  uint64_t p99_ms = 0;
};

// Threads: all functions on any thread.
class DeliveryWatch {
 public:
  static constexpr size_t kBatchesKept = 512;  // of each source: those that the quantiles are of

  void sent(const std::string& source, uint64_t events);
  // `nanos`: since the append.
  void done(const std::string& source, uint64_t events, int64_t nanos);
  // By source.
  std::map<std::string, Delivery> all() const;

 private:
  struct Kept {
    Delivery delivery;
    std::vector<uint64_t> millis;  // a ring
    size_t next = 0;
  };
  mutable base::Mutex mutex_;
  std::map<std::string, Kept> kept_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::collect
