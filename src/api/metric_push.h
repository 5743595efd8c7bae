// MetricPush: everything by which samples are sent to a server but remote write: OTLP, InfluxDB's and Datadog's APIs.
#pragma once

#include <memory>
#include <vector>

#include "api/access_gate.h"
#include "api/datadog_push.h"
#include "api/influx_push.h"
#include "api/otlp_metrics.h"
#include "api/router.h"
#include "api/server_parts.h"
#include "net/grpc_server.h"
#include "wire/otlp_metrics.h"

namespace clew::api {

// Threads:  all functions on any thread; add_routes before the first request.
// Lifetime: parts and gate outlive it, and it the routers.
class MetricPush {
 public:
  MetricPush(ServerParts& parts, wire::OtlpMetricOptions otlp);

  // To the router of the main listener, and OTLP's paths to that of the OTLP listener too.
  void add_routes(Router& all, Router& otlp);
  // Takes calls of OTLP's MetricsService, and gives all others to `next`.
  net::GrpcHandler grpc_handler(const AccessGate& gate, net::GrpcHandler next);
  // For requests from now on.
  void set_otlp(wire::OtlpMetricOptions options) { otlp_->set_options(std::move(options)); }

 private:
  ServerParts& parts_;
  std::shared_ptr<OtlpMetrics> otlp_;
  std::shared_ptr<InfluxPush> influx_;
  std::shared_ptr<DatadogPush> datadog_;
};

}  // namespace clew::api
