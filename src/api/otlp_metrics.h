// OTLP metrics: what both transports do with a request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/ingest.h"
#include "api/router.h"
#include "api/server_parts.h"
#include "base/mutex.h"
#include "net/grpc_server.h"
#include "wire/otlp_metrics.h"
#include "wire/otlp_reply.h"

namespace clew::api {

constexpr std::string_view kMetricsExport = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

// Threads:  all functions on any thread.
// Lifetime: the parts outlive it, and it every write: held by whoever calls.
class OtlpMetrics : public std::enable_shared_from_this<OtlpMetrics> {
 public:
  OtlpMetrics(ServerParts& parts, wire::OtlpMetricOptions options);
  void set_options(wire::OtlpMetricOptions options);

  void take_http(const CallPtr& call);
  void take_grpc(const contract::Access& access, const net::GrpcCallPtr& call);
  std::vector<Route> routes();
  // What series of differences add up to; other protocols with such have theirs there too.
  wire::DeltaSums& sums() { return sums_; }

 private:
  // Gives the body of the answer.
  using Answer = std::function<void(Result<std::string>)>;
  void take(const contract::Access& access, std::string_view body, wire::OtlpForm form,
            const std::function<void()>& release_body, Answer answer);

  ServerParts& parts_;
  wire::DeltaSums sums_;
  base::Mutex mutex_;
  std::shared_ptr<const wire::OtlpMetricOptions> options_ CLEW_GUARDED_BY(mutex_);
  base::Counter& bad_bodies_;
  base::Counter& points_;
  base::Counter& rejected_;
  DecoderPool<wire::OtlpMetricsDecoder> decoders_;
};

}  // namespace clew::api
