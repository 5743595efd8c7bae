#include "api/metric_push.h"

#include <utility>

namespace clew::api {

MetricPush::MetricPush(ServerParts& parts, wire::OtlpMetricOptions otlp)
    : parts_(parts),
      otlp_(std::make_shared<OtlpMetrics>(parts, std::move(otlp))),
      influx_(std::make_shared<InfluxPush>(parts)),
      datadog_(std::make_shared<DatadogPush>(parts, otlp_->sums())) {}

void MetricPush::add_routes(Router& all, Router& otlp) {
  all.add(otlp_->routes());
  all.add(influx_->routes());
  all.add(datadog_->routes());
  otlp.add(otlp_->routes());
}

net::GrpcHandler MetricPush::grpc_handler(const AccessGate& gate, net::GrpcHandler next) {
  return [otlp = otlp_, &gate, &metrics = parts_.metrics, next = std::move(next)](net::GrpcCallPtr call) {
    if (call->method() != kMetricsExport) return next(std::move(call));
    if (KeyCheck key = gate.check_key(*call, Need::kIngest); key != KeyCheck::kGood) {
      count_unauthenticated(metrics, key);
      return call->answer_unauthenticated(AccessGate::error_of(key).message());
    }
    Result<contract::Access> access = gate.admit_grpc(Need::kIngest);
    if (!access.ok()) return call->answer(std::move(access).error());
    otlp->take_grpc(*access, call);
  };
}

}  // namespace clew::api
