// Rules, alerts and remote read over HTTP: Prometheus' paths that need more than the parts of every route.
#pragma once

#include <vector>

#include "alert/rules.h"
#include "api/router.h"
#include "metricstore/metric_store.h"
#include "net/buffer.h"
#include "os/clock.h"

namespace clew::api {

// Lifetime: all of it outlives the routes.
struct RuleRouteParts {
  const alert::Rules& rules;
  const metricstore::MetricStore& store;
  const os::Clock& clock;
};
std::vector<Route> rule_routes(const RuleRouteParts& parts);

struct RemoteReadParts {
  const contract::MetricSource& source;
  net::MemoryBudget& budget;
  base::Registry& metrics;
};
std::vector<Route> remote_read_routes(const RemoteReadParts& parts);

}  // namespace clew::api
