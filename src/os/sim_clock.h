// Time and randomness that a test sets: the same seed gives the same run.
#pragma once

#include <atomic>

#include "os/clock.h"

namespace clew::os {

// Threads: all functions on any thread.
class SimClock final : public Clock {
 public:
  explicit SimClock(UnixNanos now = UnixNanos(1'795'000'000'000'000'000)) : now_(now.get()) {}
  UnixNanos now() const override { return UnixNanos(now_.load()); }
  uint64_t monotonic_ns() const override { return monotonic_.load(); }
  // Both clocks go on by `ns`.
  void advance(uint64_t ns) {
    now_ += static_cast<int64_t>(ns);
    monotonic_ += ns;
  }
  // The wall clock jumps; the monotonic one does not notice.
  void set(UnixNanos now) { now_ = now.get(); }

 private:
  std::atomic<int64_t> now_;
  std::atomic<uint64_t> monotonic_{1};
};

// splitmix64.
//
// Threads: next on any thread; the sequence is reproducible when one thread asks.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(uint64_t seed) : state_(seed) {}
  uint64_t next() override {
    uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15ull) + 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // In [0, bound).  Requires: bound > 0.
  uint64_t below(uint64_t bound) { return next() % bound; }
  // True once in `n`.
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  std::atomic<uint64_t> state_;
};

}  // namespace clew::os
