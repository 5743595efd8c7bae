// OTLP metrics: ExportMetricsServiceRequest as protobuf (HTTP and gRPC) or JSON, to series as Prometheus has them.
// docs/protocols/otlp-metrics.md says what becomes of what.
//
// For the caller, POST /v1/metrics and gRPC opentelemetry.proto.collector.metrics.v1.MetricsService/Export: as
// wire/otlp_logs.h says, with data points for items.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"
#include "wire/delta_sums.h"
#include "wire/intake.h"
#include "wire/metric_names.h"

namespace clew::wire {

struct OtlpMetricOptions {
  NameStyle names = NameStyle::kSuffixes;
  bool scope_labels = true;            // otel_scope_name and its like on every series
  std::vector<std::string> promote{};  // resource attributes that are labels of every series; "*": all
  friend bool operator==(const OtlpMetricOptions&, const OtlpMetricOptions&) = default;
};

struct OtlpMetricIntake {
  const OtlpMetricOptions& options;
  DeltaSums& sums;
  int64_t arrival_millis = 0;  // of points that have no time
};

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class OtlpMetricsDecoder {
 public:
  OtlpMetricsDecoder();
  ~OtlpMetricsDecoder();

  // Gives the counts of data points; their samples are batch(). A point that is malformed, or of no known temporality,
  // is rejected alone.
  // Errors: kInvalid, with the byte offset, when the frames around the points are malformed. Nothing is taken then.
  Result<Events> decode_protobuf(std::string_view body, const OtlpMetricIntake& intake);
  // Errors: kInvalid, with the byte offset, for what is no JSON; with the JSON path for a wrong type outside the
  // points.
  Result<Events> decode_json(std::string_view body, const OtlpMetricIntake& intake);

  // Until the next call.
  const model::MetricBatch& batch() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
