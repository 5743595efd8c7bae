// VitalSigns: how hosts and services are doing, in six metrics that are there without anybody's configuration:
// cpu_usage, memory_usage, disk_usage (percent), requests_per_second, error_rate (percent), p99_latency (seconds).
//
// Each is a PromQL expression over what is there: an agent's or node_exporter's host metrics; requests of spans, else
// of access logs (derive/requests.h), else HTTP metrics under the usual names. The answers are written as samples.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "contract/metric_sink.h"
#include "contract/metric_source.h"
#include "model/labels.h"
#include "os/clock.h"

namespace clew::derive {

struct VitalSign {
  std::string name;
  std::string help;
  std::string promql;
};

// `window_millis`: over which rates are taken; several samples long.
std::vector<VitalSign> vital_signs(uint64_t window_millis);

// Threads: one at a time.  Lifetime: all outlive it.
class VitalSigns {
 public:
  VitalSigns(const contract::MetricSource& source, contract::MetricSink& sink, const os::Clock& clock,
             base::Registry& metrics, uint64_t interval_millis);

  // Asks and writes them all. One that cannot be asked is counted, and the others are written.
  // Errors: those of the sink.
  Status write();

 private:
  const contract::MetricSource& source_;
  contract::MetricSink& sink_;
  const os::Clock& clock_;
  base::Counter& failures_;
  const std::vector<VitalSign> signs_;
  std::set<model::Labels> last_;  // series that were written the last time
};

}  // namespace clew::derive
