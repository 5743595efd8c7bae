// HealthSource: asks services how they are, again and again, and keeps what changes and what fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "collect/batch_maker.h"
#include "collect/source.h"
#include "contract/queue.h"
#include "health/target.h"
#include "os/clock.h"

namespace clew::collect {

constexpr size_t kHealthEndpointsMax = 200;  // of one source
constexpr size_t kHealthWaitingMax = 1'000;  // events that wait for the queue; then polls wait too

struct HealthSourceOptions {
  BatchOptions batch;  // its source's name is the service's
  std::vector<std::string> urls;
  uint64_t every_nanos = 10'000'000'000;  // between the begins of two polls of an endpoint
  uint32_t timeout_ms = 5'000;            // of one poll
};

// Each endpoint is asked on a thread of its own: one that is slow or dead holds up no other.
//
// Threads:  run() has one of its own; stop() on any thread.
// Lifetime: queue, clock and metrics outlive it.
class HealthSource final : public Source {
 public:
  // Errors: kInvalid for no URL, one that is neither http nor https, and more than kHealthEndpointsMax.
  static Status check_urls(const std::vector<std::string>& urls);

  // Requires: check_urls() finds nothing.
  HealthSource(HealthSourceOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);

  const std::string& name() const override { return options_.batch.source; }
  Status run() override;
  void stop() override;

 private:
  void poll_until_stop(health::Target target);
  void give(std::string event);
  // Waits until then by the monotonic clock, or for stop(): false.
  bool wait_until(uint64_t monotonic_ns);
  Status keep_events();

  const HealthSourceOptions options_;
  contract::Queue& queue_;
  const os::Clock& clock_;
  BatchMaker maker_;
  base::Counter& polls_;
  base::Counter& events_taken_;
  std::atomic<bool> stop_{false};
  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<std::string> events_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::collect
