// HostSource: measurements of this machine, for the agent's /metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "collect/source.h"
#include "host/host.h"
#include "os/clock.h"

namespace clew::collect {

struct HostSourceOptions {
  std::string source = "host";
  uint64_t every_nanos = 15'000'000'000;  // between two collections that nobody asked for
  uint64_t fresh_nanos = 1'000'000'000;   // what was measured so long ago still holds
  uint64_t wait_nanos = 2'000'000'000;    // that whoever asks waits for a collection
  // Gets what was measured because it was time, not because somebody asked, and when (UTC). On run()'s thread.
  std::function<void(const host::Samples& samples, int64_t unix_millis)> measured = nullptr;
};

// Threads:  run() has one of its own, on which all is measured: a file system that does not answer holds up nobody
// else;
//           append_metrics() and stop() on any thread.
// Lifetime: clock outlives it.
class HostSource final : public Source {
 public:
  HostSource(HostSourceOptions options, std::unique_ptr<host::Host> host, const os::Clock& clock);

  const std::string& name() const override { return options_.source; }
  Status run() override;
  void stop() override;

  // Appends what was measured within the last `fresh_nanos`, in Prometheus' text format: measures again when it was
  // longer ago. After `wait_nanos` the measurements before are given.
  void append_metrics(std::string& out);

 private:
  void collect(bool due);

  const HostSourceOptions options_;
  const std::unique_ptr<host::Host> host_;
  const os::Clock& clock_;
  host::Samples samples_;  // of run()'s thread
  base::Mutex mutex_;
  base::CondVar changed_;
  std::string text_ CLEW_GUARDED_BY(mutex_);
  uint64_t collected_ns_ CLEW_GUARDED_BY(mutex_) = 0;  // when it was begun, by the monotonic clock; 0: never
  bool wanted_ CLEW_GUARDED_BY(mutex_) = false;
  bool stop_ CLEW_GUARDED_BY(mutex_) = false;
};

}  // namespace clew::collect
