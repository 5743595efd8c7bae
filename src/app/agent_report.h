// AgentReport tells the servers what the agent's sources have read and what became of it (POST /clew/v1/ledger), every
// few seconds, so that `clew ledger` can say that nothing is missing, or where.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "collect/shipper.h"
#include "contract/queue.h"
#include "net/http_client.h"

namespace clew::app {

struct AgentReportParts {
  const contract::Queue& queue;
  const collect::Shipper& shipper;
  const base::Registry& metrics;  // has what listeners count
  std::function<std::unique_ptr<net::HttpClient>()> make_client;
  std::vector<collect::ShipEndpoint> endpoints;
  bool mirror = false;
  std::string directory;             // of the agent
  std::vector<std::string> sources;  // those that run; what others read before is told too
};

// What one report says.
std::string report_body(const AgentReportParts& parts);

// A server that does not answer or does not know of reports is asked again with the next; shipping waits for none.
//
// Threads:  one of its own (`clew-report`); start and stop on one.
// Lifetime: what `parts` names outlives it.
class AgentReport {
 public:
  explicit AgentReport(AgentReportParts parts) : parts_(std::move(parts)) {}
  ~AgentReport() { stop(); }

  void start();
  // Reports once more, and ends. Takes a few seconds at most.
  void stop();

 private:
  void run();
  void send(net::HttpClient& client);
  bool stopping() const;

  const AgentReportParts parts_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ CLEW_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace clew::app
