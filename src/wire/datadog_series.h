// Datadog's metrics: series of its API, versions 1 (JSON) and 2 (JSON and protobuf), and the agent's sketches.
//
// A count says how much came in an interval: counts add up to a counter (wire/delta_sums.h). A rate is what came per
// second, and stays a gauge. Sketches become native histograms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"
#include "wire/delta_sums.h"
#include "wire/intake.h"
#include "wire/series_labels.h"

namespace clew::wire {

struct DatadogMetricIntake {
  DeltaSums& sums;
  int64_t arrival_millis = 0;  // of points that have no time
};

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class DatadogSeriesDecoder {
 public:
  // Give the counts of points; their samples are batch(). A series or point that is malformed is rejected alone.
  // Errors: kInvalid, with the byte, for what is no JSON or protobuf of that form.
  Result<Events> decode_v1(std::string_view json, const DatadogMetricIntake& intake);
  Result<Events> decode_v2_json(std::string_view json, const DatadogMetricIntake& intake);
  Result<Events> decode_v2_protobuf(std::string_view body, const DatadogMetricIntake& intake);
  Result<Events> decode_sketches(std::string_view body, const DatadogMetricIntake& intake);

  // Until the next call.
  const model::MetricBatch& batch() const { return batch_; }

 private:
  enum class Kind : uint8_t { kGauge, kCount, kRate };
  struct Point {
    double seconds = 0;  // since the epoch; 0 where there is none
    double value = 0;
    bool good = true;
  };
  struct Series {
    std::string metric;
    Kind kind = Kind::kGauge;
    double interval = 0;  // seconds
    std::string unit;
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<Point> points;
    void clear();
    // "host:web1"; what has no colon is a label of the value "true".
    void add_tag(std::string_view tag);
  };
  Result<Events> read_json(std::string_view json, const DatadogMetricIntake& intake, int version);
  void begin();
  Status put(const DatadogMetricIntake& intake, Events& events);
  bool pack(std::string_view suffix = {});
  Status put_sketch(std::string_view message, const DatadogMetricIntake& intake);

  friend struct DatadogJson;
  Series series_;
  model::MetricBatch batch_;
  SeriesLabels labels_;
  std::vector<std::string> names_;
  std::string metric_;
  std::string name_;
  std::string key_;
};

}  // namespace clew::wire
