// A MetricSource in memory: for tests of queries and rules.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "contract/metric_source.h"
#include "query/promql/series_text.h"

namespace clew::query::promql {

// Threads: what is const on any thread, while nobody changes it.
class MemorySource final : public contract::MetricSource {
 public:
  // Puts a sample in its place by time; of two at one time the later given stays. Histograms get the hints that a store
  // gives: known to go on, or unknown.
  void add(const model::Labels& labels, int64_t millis, double value, model::HistogramPtr histogram);
  // When the series' sample at a time began to count; kept for when the sample comes.
  void add_start(const model::Labels& labels, int64_t millis, int64_t start_millis);
  // Points from time 0 on, one each `step_millis`.
  void load(const SeriesText& series, int64_t step_millis);
  // Histograms with custom buckets from classic ones: of series NAME_bucket{le=...}, loaded before.
  void add_custom_buckets();
  void clear();

  Result<std::unique_ptr<contract::SeriesSet>> select(const contract::MetricScan& scan) const override;
  Result<std::vector<std::string>> label_names(const contract::MetricScan& scan) const override;
  Result<std::vector<std::string>> label_values(const contract::MetricScan& scan,
                                                std::string_view label) const override;
  Result<std::vector<contract::SeriesExemplars>> exemplars(const contract::MetricScan& scan) const override;
  Result<std::map<std::string, model::MetricMetadata>> metadata(const contract::Access& access) const override;

 private:
  std::map<model::Labels, std::map<int64_t, std::pair<double, model::HistogramPtr>>> series_;
  std::map<model::Labels, std::map<int64_t, int64_t>> starts_;
};

}  // namespace clew::query::promql
