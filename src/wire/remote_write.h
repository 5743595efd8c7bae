// Prometheus' remote write, 1.0 (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request): samples of series.
//
// Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ and remote_write_spec_2_0/.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"

namespace clew::wire {

// Appends a body of version 1.0, before its compression: floats, native histograms, exemplars and metadata. The start
// times of samples stand where 2.0 has them: clew reads them, others pass over them. (remote_write_encode.cc)
void encode_remote_write(const model::MetricBatch& batch, std::string& out);

// Threads: one; keeps its memory from body to body.
class RemoteWriteDecoder {
 public:
  // A body that is undone of its encoding. What it gives lives until the next call.
  // Errors: kInvalid for what is no such message, with the byte; kTooLarge for a histogram with too many buckets.
  Result<const model::MetricBatch*> decode_v1(std::string_view body);
  Result<const model::MetricBatch*> decode_v2(std::string_view body);

 private:
  void begin_series();
  void add_label(std::string_view name, std::string_view value);
  model::LabelsView labels();

  model::MetricBatch batch_;
  std::vector<std::pair<std::string_view, std::string_view>> pairs_;
  std::string packed_;
  std::vector<std::string_view> symbols_;
};

}  // namespace clew::wire
