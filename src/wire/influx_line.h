// InfluxDB's line protocol: MEASUREMENT[,TAG=VALUE...] FIELD=VALUE[,FIELD=VALUE...] [TIME]
//
// A field is a metric MEASUREMENT_FIELD, or MEASUREMENT alone where the field is called `value`, as VictoriaMetrics
// names them; tags are labels. Numbers, integers (1i, 1u) and booleans are samples, texts are left out and counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"
#include "wire/intake.h"
#include "wire/series_labels.h"

namespace clew::wire {

constexpr size_t kInfluxTagsMax = 128;

// How many nanoseconds a unit of time is, as `precision` names it: ns n u us µ ms s m h. 0 for others.
int64_t influx_precision_nanos(std::string_view precision);

struct InfluxOptions {
  int64_t unit_nanos = 1;                                        // of times
  int64_t arrival_millis = 0;                                    // of lines without one
  std::vector<std::pair<std::string, std::string>> labels = {};  // of every series, unless a tag says otherwise: `db`
};

// Threads: one; keeps its memory.
class InfluxDecoder {
 public:
  // Adds the samples of a body to `batch`, and to `events` what was received and refused: an item is a line, texts are
  // of Reason::kUnsupported. A bad line does not hurt the others.
  void decode(std::string_view body, const InfluxOptions& options, model::MetricBatch& batch, Events& events);
  // One line, without its end. Gives how many fields were texts.
  // Errors: kInvalid, with the column from 1 and what was expected; nothing is added then.
  Result<uint64_t> add_line(std::string_view line, const InfluxOptions& options, model::MetricBatch& batch);

 private:
  struct Field {
    std::string name;
    double value = 0;
  };
  Status read_key(std::string_view line, size_t& at);
  Status read_fields(std::string_view line, size_t& at);
  Status read_time(std::string_view line, size_t at, const InfluxOptions& options);
  Status read_value(std::string_view line, size_t& at, Field& field);

  std::string measurement_;
  std::vector<std::pair<std::string, std::string>> tags_;
  std::vector<Field> fields_;
  uint64_t texts_ = 0;
  int64_t millis_ = 0;
  SeriesLabels labels_;
  std::string name_;
};

}  // namespace clew::wire
