// SampleSender sends what an agent measures to servers, by Prometheus' remote write.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "host/samples.h"
#include "net/http_client.h"
#include "os/clock.h"

namespace clew::collect {

struct SampleSenderOptions {
  std::string source;                                        // its name, in counters
  std::vector<std::string> urls;                             // of servers, "http://HOST:PORT"
  bool mirror = false;                                       // to all of them, instead of the first that takes it
  std::vector<std::pair<std::string, std::string>> headers;  // of each request, say Authorization
  std::vector<std::pair<std::string, std::string>> labels;   // of every series: instance, job
  size_t waiting_max = 240;  // measurements that wait for a server, an hour's; then the oldest go, counted
  std::function<std::unique_ptr<net::HttpClient>()> make_client;
};

// Measurements wait in memory: what waits when the agent ends is lost, and counted.
//
// Threads:  send() on any thread; one of its own for each server that gets everything, named clew-samples.
// Lifetime: clock and metrics outlive it.
class SampleSender {
 public:
  SampleSender(SampleSenderOptions options, const os::Clock& clock, base::Registry& metrics);
  ~SampleSender();
  SampleSender(const SampleSender&) = delete;
  SampleSender& operator=(const SampleSender&) = delete;

  // Returns at once.
  void send(const host::Samples& samples, int64_t unix_millis);

 private:
  // Servers that stand in for each other, and what waits for them.
  struct Lane {
    std::vector<std::string> urls;
    std::deque<std::shared_ptr<const std::string>> waiting;
    std::jthread thread;
  };
  void run(Lane& lane, const std::stop_token& stop);
  bool deliver(net::HttpClient& client, const std::vector<std::string>& urls, const std::string& body,
               const std::stop_token& stop);

  const SampleSenderOptions options_;
  const os::Clock& clock_;
  base::Counter& sent_;
  base::Counter& failed_;
  base::Counter& refused_;
  base::Counter& dropped_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // their queues under mutex_
};

}  // namespace clew::collect
