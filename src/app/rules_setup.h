// Makes the rules of a server from its configuration and its stores.
#pragma once

#include <memory>

#include "alert/rules.h"
#include "api/settings.h"
#include "base/metrics.h"
#include "base/worker_pool.h"
#include "metricstore/metric_store.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::app {

struct RuleSetupParts {
  os::Disk& disk;
  const os::Clock& clock;
  metricstore::MetricStore& store;
  base::Registry& metrics;
  const api::LiveSettings& settings;
  contract::AlertSink* alerts = nullptr;  // null: nobody is told of alerts
};

// Lifetime: the parts outlive it.
class ServerRules {
 public:
  explicit ServerRules(const RuleSetupParts& parts);

  // Loads the files and begins. Errors: as alert::Rules::load.
  Status start(const alert::RulesOptions& options);
  // Gives a line of what it did; empty when there is nothing to say.
  std::string reload(const alert::RulesOptions& options);
  void stop() { rules_.stop(); }
  const alert::Rules& rules() const { return rules_; }

 private:
  Result<query::promql::Answer> ask(const std::string& text, int64_t at_millis) const;

  const RuleSetupParts parts_;
  const uint64_t damaged_;  // that the store's start found
  mutable base::WorkerPool pool_;
  alert::Rules rules_;
};

}  // namespace clew::app
