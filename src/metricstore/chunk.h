// Chunks: the samples of one series in a row, times apart from values (docs/formats/metric-part.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/ints.h"
#include "metricstore/value_coder.h"
#include "model/metric.h"

namespace clew::metricstore {

constexpr size_t kChunkSamplesMax = 4096;

// On disk.
enum class ChunkKind : uint8_t {
  kFloats = 0,
  kHistograms = 1,  // of one layout: schema, thresholds, bounds and spans are the same in all
};

// Threads: one at a time; keeps its scratch memory.
class ChunkEncoder {
 public:
  // Requires: 1 to kChunkSamplesMax values.
  void times(std::span<const int64_t> millis, std::string& out);
  // Every value comes back with the same bits, whatever it is.
  void floats(std::span<const double> values, std::string& out);
  // Requires: no null, all of one layout (same_layout).
  void histograms(std::span<const model::HistogramPtr> values, std::string& out);
  // Start times of the samples, 0 where unknown.
  void starts(std::span<const int64_t> starts, std::span<const int64_t> millis, std::string& out);

 private:
  struct Scale;
  bool decimals(std::span<const double> values, std::string& out);
  bool mantissas(std::span<const double> values, const Scale& scale);
  void xored(std::span<const double> values, std::string& out);

  codec::IntEncoder ints_;
  ValueCoder coder_;
  std::string packed_;
  std::vector<int64_t> scratch_;
  std::vector<uint32_t> odd_;
  std::vector<double> column_;
};

// Whether both can stand in one chunk.
bool same_layout(const model::Histogram& a, const model::Histogram& b);

// Each reads `count` values into the end of `out`. Errors: kCorrupt, kUnsupported.
Status read_times(base::Reader& in, size_t count, std::vector<int64_t>& out);
Status read_floats(base::Reader& in, size_t count, std::vector<double>& out);
Status read_histograms(base::Reader& in, size_t count, std::vector<model::HistogramPtr>& out);
Status read_starts(base::Reader& in, std::span<const int64_t> millis, std::vector<int64_t>& out);

}  // namespace clew::metricstore
