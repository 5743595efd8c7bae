// Sends stored samples on, by Prometheus' remote write 1.0.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "adapters/remote_write_options.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/queue.h"
#include "model/metric_batch.h"
#include "net/http_client.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::adapters {

// One destination.
//
// Threads:  push() on any thread; one of its own that sends.
// Lifetime: clock and metrics outlive it.
// Crash:    what push() took is sent after a restart; what was sent last may be sent again, which receivers know by its
//           times.
class RemoteWriter {
 public:
  using MakeClient = std::function<std::unique_ptr<net::HttpClient>(const net::TlsClientFiles&)>;

  RemoteWriter(RemoteWriteOptions options, std::unique_ptr<contract::Queue> queue, base::Registry& metrics,
               const MakeClient& make_client);
  ~RemoteWriter();
  RemoteWriter(const RemoteWriter&) = delete;
  RemoteWriter& operator=(const RemoteWriter&) = delete;

  // Keeps the samples until they are sent; durable when it returns. What does not fit into the queue is dropped and
  // counted: whoever writes samples does not wait for others' receivers.
  void push(std::span<const model::MetricBatch* const> batches);
  const RemoteWriteOptions& options() const { return options_; }

 private:
  enum class Sent : uint8_t { kYes, kRefused, kLater };
  void run(const std::stop_token& stop);
  void pause(uint32_t millis, const std::stop_token& stop);
  Sent send(const std::string& request, uint64_t samples, uint32_t& wait_ms, const std::stop_token& stop);

  const RemoteWriteOptions options_;
  std::unique_ptr<contract::Queue> queue_;
  std::unique_ptr<net::HttpClient> client_;
  base::Counter& sent_;
  base::Counter& refused_;
  base::Counter& dropped_;
  base::Counter& retries_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::jthread thread_;
};

// All destinations of a configuration.
//
// Threads:  push() on any thread while nobody opens or closes.
class RemoteWriters {
 public:
  // Opens a queue for each in DIR/NAME. Errors: those of the queue.
  static Result<std::unique_ptr<RemoteWriters>> open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                     base::Registry& metrics, const std::string& dir,
                                                     const std::vector<RemoteWriteOptions>& options);
  void push(std::span<const model::MetricBatch* const> batches) {
    for (const auto& one : writers_) one->push(batches);
  }
  bool empty() const { return writers_.empty(); }

 private:
  std::vector<std::unique_ptr<RemoteWriter>> writers_;
};

}  // namespace clew::adapters
