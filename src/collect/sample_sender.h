// SampleSender sends what an agent measures and what its listeners add up to servers, by Prometheus' remote write.
//
// Samples go to a queue on disk first, an entry a write, and leave it when every server that gets everything has taken
// them: they survive a server that is away and a crash of the agent. When the queue is full the oldest go, counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/metric_sink.h"
#include "contract/queue.h"
#include "host/samples.h"
#include "net/http_client.h"
#include "os/clock.h"

namespace clew::collect {

struct SampleSenderOptions {
  std::vector<std::string> urls;                             // of servers, "http://HOST:PORT"
  bool mirror = false;                                       // to all of them, instead of the first that takes it
  std::vector<std::pair<std::string, std::string>> headers;  // of each request, say Authorization
  std::function<std::unique_ptr<net::HttpClient>()> make_client;
};

// Threads:  write() on any thread: it returns when the samples are on disk, a sync of the queue. One thread of its own
//           for each server that gets everything, named clew-samples.
// Lifetime: queue, clock and metrics outlive it. The queue holds its bodies only.
// Crash:    what was answered ok is sent after a restart; what is sent twice is known by series and time.
class SampleSender final : public contract::MetricSink {
 public:
  SampleSender(SampleSenderOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);
  ~SampleSender() override;
  SampleSender(const SampleSender&) = delete;
  SampleSender& operator=(const SampleSender&) = delete;

  // `done` is called before it returns, with all samples stored.
  // Errors: those of Queue::append but kOverloaded.
  void write(const contract::Access& access, const model::MetricBatch& batch, Done done) override;
  // Waits until everything was taken, for at most so long; not for a server that is away. What is left is sent after
  // the next start.
  void drain(std::chrono::milliseconds at_most);

 private:
  // Servers that stand in for each other.
  struct Lane {
    std::vector<std::string> urls;
    // Under mutex_:
    uint64_t next = 0;     // offset of the first entry that is not done with
    bool failing = false;  // its last attempt found nobody
    std::jthread thread;
  };
  Status keep(std::string body, uint32_t samples);
  Status make_room();
  void run(Lane& lane, const std::stop_token& stop);
  void done_with(Lane& lane, uint64_t offset);
  bool deliver(net::HttpClient& client, const std::vector<std::string>& urls, const std::string& body,
               const std::stop_token& stop);

  const SampleSenderOptions options_;
  contract::Queue& queue_;
  const os::Clock& clock_;
  base::Counter& sent_;
  base::Counter& failed_;
  base::Counter& refused_;
  base::Counter& dropped_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

// What a host measured, with `labels` on every series.
void append_host_samples(const host::Samples& samples, const std::vector<std::pair<std::string, std::string>>& labels,
                         int64_t unix_millis, model::MetricBatch& batch);

}  // namespace clew::collect
