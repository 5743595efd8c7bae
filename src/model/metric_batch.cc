#include "model/metric_batch.h"

namespace clew::model {

void MetricBatch::begin_series(LabelsView labels) {
  auto at = [](const auto& array) { return static_cast<uint32_t>(array.size()); };
  Series series;
  series.labels_begin = at(labels_);
  labels_.append(labels.packed());
  series.labels_end = at(labels_);
  series.samples_begin = series.samples_end = at(samples_);
  series.histograms_begin = series.histograms_end = at(histograms_);
  series.exemplars_begin = series.exemplars_end = at(exemplars_);
  series_.push_back(series);
}

void MetricBatch::add_sample(int64_t millis, double value, int64_t start_millis) {
  if (start_millis != 0 || !starts_.empty()) {
    starts_.resize(samples_.size());
    starts_.push_back(start_millis);
  }
  samples_.push_back({millis, value});
  ++series_.back().samples_end;
}

void MetricBatch::add_histogram(int64_t millis, HistogramPtr histogram, int64_t start_millis) {
  histograms_.push_back({millis, start_millis, std::move(histogram)});
  ++series_.back().histograms_end;
}

void MetricBatch::add_exemplar(Exemplar exemplar) {
  exemplars_.push_back(std::move(exemplar));
  ++series_.back().exemplars_end;
}

void MetricBatch::set_metadata(std::string_view metric, MetricMetadata metadata) {
  metadata_.insert_or_assign(std::string(metric), std::move(metadata));
}

void MetricBatch::clear() {
  labels_.clear();
  series_.clear();
  samples_.clear();
  starts_.clear();
  histograms_.clear();
  exemplars_.clear();
  metadata_.clear();
}

}  // namespace clew::model
