// MetricBatch: the samples of one write, series by series, in a few flat arrays.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "model/metric.h"

namespace clew::model {

// Threads: one at a time. Reused through clear(): arrays keep their memory.
class MetricBatch {
 public:
  struct Series {
    uint32_t labels_begin = 0, labels_end = 0;          // packed, in labels()
    uint32_t samples_begin = 0, samples_end = 0;        // in samples()
    uint32_t histograms_begin = 0, histograms_end = 0;  // in histograms()
    uint32_t exemplars_begin = 0, exemplars_end = 0;
  };
  struct HistogramSample {
    int64_t millis = 0;
    int64_t start_millis = 0;  // 0 unknown
    HistogramPtr histogram;
  };

  // Begins a series; what is added then is its. Requires: packed labels in order (Labels, LabelsBuilder). A series may
  // come several times.
  void begin_series(LabelsView labels);
  // Times in any order; the store sorts. `start_millis`: when a counter began, 0 unknown.
  void add_sample(int64_t millis, double value, int64_t start_millis = 0);
  void add_histogram(int64_t millis, HistogramPtr histogram, int64_t start_millis = 0);
  void add_exemplar(Exemplar exemplar);
  // Of a metric's name; the last one holds.
  void set_metadata(std::string_view metric, MetricMetadata metadata);

  const std::vector<Series>& series() const { return series_; }
  LabelsView labels_of(const Series& series) const {
    return LabelsView(std::string_view(labels_).substr(series.labels_begin, series.labels_end - series.labels_begin));
  }
  const std::vector<Sample>& samples() const { return samples_; }
  // Empty, or as long as samples().
  const std::vector<int64_t>& starts() const { return starts_; }
  const std::vector<HistogramSample>& histograms() const { return histograms_; }
  const std::vector<Exemplar>& exemplars() const { return exemplars_; }
  const std::map<std::string, MetricMetadata, std::less<>>& metadata() const { return metadata_; }
  // Floats and histograms.
  size_t samples_count() const { return samples_.size() + histograms_.size(); }

  void clear();

 private:
  std::string labels_;
  std::vector<Series> series_;
  std::vector<Sample> samples_;
  std::vector<int64_t> starts_;
  std::vector<HistogramSample> histograms_;
  std::vector<Exemplar> exemplars_;
  std::map<std::string, MetricMetadata, std::less<>> metadata_;
};

}  // namespace clew::model
