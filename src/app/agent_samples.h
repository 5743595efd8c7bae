// The samples of an agent: a queue of their own on disk, and what sends them to servers.
#pragma once

#include <memory>
#include <string>

#include "app/agent_options.h"
#include "base/metrics.h"
#include "base/result.h"
#include "collect/sample_sender.h"
#include "os/clock.h"
#include "os/disk.h"
#include "queue/disk_queue.h"

namespace clew::app {

// Threads: sender() and its write() on any.
class AgentSamples {
 public:
  // Nothing where no source brings samples or no server takes them.
  // Errors: those of queue::DiskQueue::open.
  static Result<std::unique_ptr<AgentSamples>> open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                    base::Registry& metrics, const AgentOptions& options,
                                                    collect::SampleSenderOptions to);
  ~AgentSamples();

  collect::SampleSender& sender() { return *sender_; }
  // Why nothing more is kept until a restart; ok while it is.
  Status health() const { return queue_->health(); }
  // Samples that wait for the next start.
  uint64_t waiting() const { return queue_->stats().waiting_rows; }

 private:
  AgentSamples() = default;

  std::unique_ptr<queue::DiskQueue> queue_;
  std::unique_ptr<collect::SampleSender> sender_;
};

}  // namespace clew::app
