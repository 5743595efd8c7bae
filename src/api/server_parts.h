// What the routes need of the rest of the program.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "api/agent_ledger.h"
#include "api/ingest.h"
#include "api/settings.h"
#include "base/metrics.h"
#include "contract/event_source.h"
#include "live/live.h"
#include "logstore/log_store.h"
#include "metricstore/metric_store.h"
#include "net/buffer.h"
#include "os/clock.h"
#include "query/engine.h"

namespace clew::notify {
class Notifier;
}

namespace clew::api {

// Of those that only receive, which an agent has too.
//
// Lifetime: made by app/; everything in it outlives the routes.
struct ReceiverParts {
  Ingest& ingest;
  SourceBook& sources;
  base::Registry& metrics;
  net::MemoryBudget& body_budget;
  const os::Clock& clock;
  std::string version;
  const LiveSettings& settings;
  const std::atomic<bool>& ready;  // true once started, false again when stopping
};

// Of all.
struct ServerParts : ReceiverParts {
  ServerParts(ReceiverParts receivers, logstore::LogStore& events, metricstore::MetricStore& samples,
              query::Engine& queries, live::Live& feeds, AgentLedger& agents)
      : ReceiverParts(std::move(receivers)),
        store(events),
        metric_store(samples),
        engine(queries),
        live(feeds),
        ledger(agents) {}

  logstore::LogStore& store;  // also the EventSource of the read routes
  metricstore::MetricStore& metric_store;
  query::Engine& engine;
  live::Live& live;
  AgentLedger& ledger;
  notify::Notifier* notifier = nullptr;  // null: alerts are not taken here
};

}  // namespace clew::api
