#include <sys/random.h>
#include <time.h>

#include "base/check.h"
#include "os/clock.h"

namespace clew::os {
namespace {

int64_t read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

class RealClock final : public Clock {
 public:
  UnixNanos now() const override { return UnixNanos(read_clock(CLOCK_REALTIME)); }
  uint64_t monotonic_ns() const override { return static_cast<uint64_t>(read_clock(CLOCK_MONOTONIC)); }
};

class RealRng final : public Rng {
 public:
  uint64_t next() override {
    uint64_t v = 0;
    ssize_t n = getrandom(&v, sizeof v, 0);
    CHECK(n == sizeof v);
    return v;
  }
};

}  // namespace

std::unique_ptr<Clock> make_real_clock() { return std::make_unique<RealClock>(); }
std::unique_ptr<Rng> make_real_rng() { return std::make_unique<RealRng>(); }

}  // namespace clew::os
