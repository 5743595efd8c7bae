// What time series are made of: samples, native histograms, exemplars, metadata (Prometheus' data model).
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/labels.h"

namespace clew::model {

// Times of samples are milliseconds since 1970-01-01T00:00:00Z.

// The NaN by which a scraper says that a series has ended. Other NaNs are values.
constexpr uint64_t kStaleBits = 0x7ff0000000000002;
inline bool is_stale(double value) { return std::bit_cast<uint64_t>(value) == kStaleBits; }
inline double stale_value() { return std::bit_cast<double>(kStaleBits); }

// Buckets that follow each other; the first lies `offset` after the last of the span before, or of a first span at this
// index.
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const BucketSpan&, const BucketSpan&) = default;
};

constexpr int32_t kCustomBuckets = -53;  // schema of buckets with bounds of their own

enum class CounterReset : uint8_t { kUnknown, kReset, kNotReset, kGauge };

// A native histogram, counts as they add up in a bucket, not over buckets. Schema -4 to 8: a bucket's upper bound is
// (2^(2^-schema))^index; kCustomBuckets: custom_bounds[index], the last bucket unbounded, positive buckets only.
struct Histogram {
  int32_t schema = 0;
  CounterReset reset = CounterReset::kUnknown;
  bool whole = false;  // all counts are integers: it came as an integer histogram
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;  // kStaleBits: a staleness marker
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive_buckets;  // one per bucket of the spans
  std::vector<double> negative_buckets;
  std::vector<double> custom_bounds;  // upper bounds, rising, without +Inf

  bool custom() const { return schema == kCustomBuckets; }
};
using HistogramPtr = std::shared_ptr<const Histogram>;

struct Sample {
  int64_t millis = 0;
  double value = 0;
};

// Samples of one series in the order of their times, each time once.
struct SampleColumns {
  std::vector<int64_t> millis;
  std::vector<double> values;            // of a histogram its sum
  std::vector<HistogramPtr> histograms;  // empty, or one per sample: null where it is a float
  std::vector<int64_t> starts;  // empty, or one per sample: when it began to count, 0 unknown (created timestamps)

  size_t size() const { return millis.size(); }
  void clear() {
    millis.clear();
    values.clear();
    histograms.clear();
    starts.clear();
  }
  const Histogram* histogram(size_t i) const { return histograms.empty() ? nullptr : histograms[i].get(); }
};

// A sample that stands for others, with the trace it belongs to.
struct Exemplar {
  Labels labels;  // trace_id and the like
  double value = 0;
  int64_t millis = 0;
};

enum class MetricType : uint8_t { kUnknown, kCounter, kGauge, kHistogram, kGaugeHistogram, kSummary, kInfo, kStateSet };

struct MetricMetadata {
  MetricType type = MetricType::kUnknown;
  std::string unit;
  std::string help;
  friend bool operator==(const MetricMetadata&, const MetricMetadata&) = default;
};

// As Prometheus names them: "counter", "gaugehistogram", "stateset", "unknown" ...
std::string_view metric_type_name(MetricType type);
std::optional<MetricType> metric_type_of(std::string_view name);

}  // namespace clew::model
