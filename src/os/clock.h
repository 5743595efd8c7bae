// Time and randomness reach clew only through here, so that a seed replays a run.
#pragma once

#include <cstdint>
#include <memory>

#include "base/ids.h"

namespace clew::os {

// Threads: all functions on any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, UTC; may jump either way.
  virtual UnixNanos now() const = 0;
  // Never goes back; for timeouts and durations. Nanoseconds since an arbitrary moment.
  virtual uint64_t monotonic_ns() const = 0;
};
std::unique_ptr<Clock> make_real_clock();

// Threads: all functions on any thread.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual uint64_t next() = 0;
};
// From the operating system's entropy.
std::unique_ptr<Rng> make_real_rng();

}  // namespace clew::os
