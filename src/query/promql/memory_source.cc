#include "query/promql/memory_source.h"

#include <cmath>
#include <limits>
#include <set>

#include "query/promql/duration.h"
#include "query/promql/histogram.h"
#include "query/promql/matcher.h"

namespace clew::query::promql {
namespace {

using model::CounterReset;

class MemorySet final : public contract::SeriesSet {
 public:
  size_t size() const override { return series_.size(); }
  model::LabelsView labels(size_t series) const override { return series_[series].first.view(); }
  Status read(size_t series, model::SampleColumns& samples) const override {
    samples = series_[series].second;
    return ok_status();
  }
  std::vector<std::pair<model::Labels, model::SampleColumns>> series_;
};

// What a store of chunks says of a histogram behind another one.
CounterReset hint_behind(const Histogram& h, const Histogram* before) {
  if (h.reset == CounterReset::kGauge) return CounterReset::kGauge;
  bool unknown = before == nullptr || before->reset == CounterReset::kGauge || h.reset == CounterReset::kReset ||
                 before->schema != h.schema || before->zero_threshold != h.zero_threshold ||
                 before->custom_bounds != h.custom_bounds;
  if (unknown) return CounterReset::kUnknown;
  Histogram plain = h;
  plain.reset = CounterReset::kUnknown;
  return detect_reset(plain, *before) ? CounterReset::kUnknown : CounterReset::kNotReset;
}

}  // namespace

void MemorySource::add(const model::Labels& labels, int64_t millis, double value, model::HistogramPtr histogram) {
  auto& samples = series_[labels];
  if (histogram != nullptr) {
    auto next = samples.lower_bound(millis);
    const Histogram* before = next == samples.begin() ? nullptr : std::prev(next)->second.second.get();
    auto told = std::make_shared<Histogram>(*histogram);
    told->reset = hint_behind(*histogram, before);
    value = told->sum;
    histogram = std::move(told);
  }
  samples[millis] = {value, std::move(histogram)};
}

void MemorySource::add_start(const model::Labels& labels, int64_t millis, int64_t start_millis) {
  starts_[labels][millis] = start_millis;
}

void MemorySource::load(const SeriesText& series, int64_t step_millis) {
  for (size_t i = 0; i < series.points.size(); ++i) {
    const SeriesPoint& point = series.points[i];
    int64_t millis = static_cast<int64_t>(i) * step_millis;
    if (!point.present) continue;
    if (series.starts) {
      add_start(series.labels, millis, millis + point.start_shift);
    } else {
      add(series.labels, millis, point.value, point.histogram);
    }
  }
}

void MemorySource::add_custom_buckets() {
  struct Classic {
    std::map<double, const std::map<int64_t, std::pair<double, model::HistogramPtr>>*> buckets;
    const std::map<int64_t, std::pair<double, model::HistogramPtr>>* sums = nullptr;
  };
  std::map<model::Labels, Classic> found;
  for (const auto& [labels, samples] : series_) {
    std::string name(labels.metric_name());
    bool sum = name.ends_with("_sum");
    std::optional<double> bound = parse_number(labels.get("le"));
    if (!sum && !(name.ends_with("_bucket") && bound)) continue;
    name.resize(name.rfind('_'));
    model::Labels base = model::LabelsBuilder(labels).set(model::kMetricNameLabel, name).remove("le").build();
    if (sum) {
      found[base].sums = &samples;
    } else {
      found[base].buckets[*bound] = &samples;
    }
  }
  for (const auto& [labels, classic] : found) {
    if (classic.buckets.empty()) continue;
    std::set<int64_t> times;
    for (const auto& [bound, samples] : classic.buckets) {
      for (const auto& [millis, sample] : *samples) times.insert(millis);
    }
    for (int64_t millis : times) {
      auto h = std::make_shared<Histogram>();
      h->schema = model::kCustomBuckets;
      double before = 0;
      for (const auto& [bound, samples] : classic.buckets) {
        auto at = samples->find(millis);
        double count = at == samples->end() ? before : at->second.first;
        if (std::isfinite(bound)) h->custom_bounds.push_back(bound);
        h->positive_buckets.push_back(count - before);
        before = count;
      }
      h->count = before;
      h->positive_spans.push_back({0, static_cast<uint32_t>(h->positive_buckets.size())});
      if (classic.sums != nullptr) {
        if (auto at = classic.sums->find(millis); at != classic.sums->end()) h->sum = at->second.first;
      }
      add(labels, millis, 0, h);
    }
  }
}

void MemorySource::clear() {
  series_.clear();
  starts_.clear();
}

Result<std::unique_ptr<contract::SeriesSet>> MemorySource::select(const contract::MetricScan& scan) const {
  std::vector<Matcher> matchers;
  for (const contract::LabelMatcher& given : scan.matchers) {
    Matcher matcher = CLEW_TRY(Matcher::make(given));
    matchers.push_back(std::move(matcher));
  }
  auto set = std::make_unique<MemorySet>();
  for (const auto& [labels, samples] : series_) {
    bool matched = true;
    for (const Matcher& matcher : matchers) matched = matched && matcher.matches(labels.get(matcher.of().name));
    if (!matched) continue;
    model::SampleColumns columns;
    auto starts = starts_.find(labels);
    for (auto at = samples.lower_bound(scan.from_millis); at != samples.end() && at->first <= scan.to_millis; ++at) {
      const auto& [value, histogram] = at->second;
      if (histogram != nullptr && columns.histograms.empty()) columns.histograms.resize(columns.size());
      columns.millis.push_back(at->first);
      columns.values.push_back(value);
      if (histogram != nullptr || !columns.histograms.empty()) columns.histograms.push_back(histogram);
      if (starts == starts_.end()) continue;
      auto start = starts->second.find(at->first);
      columns.starts.push_back(start == starts->second.end() ? 0 : start->second);
    }
    if (columns.size() > 0) set->series_.emplace_back(labels, std::move(columns));
  }
  return std::unique_ptr<contract::SeriesSet>(std::move(set));
}

Result<std::vector<std::string>> MemorySource::label_names(const contract::MetricScan& scan) const {
  auto set = CLEW_TRY(select(scan));
  std::set<std::string> names;
  for (size_t i = 0; i < set->size(); ++i) {
    for (model::Label label : set->labels(i)) names.emplace(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemorySource::label_values(const contract::MetricScan& scan,
                                                            std::string_view label) const {
  auto set = CLEW_TRY(select(scan));
  std::set<std::string> values;
  for (size_t i = 0; i < set->size(); ++i) {
    if (std::string_view value = set->labels(i).get(label); !value.empty()) values.emplace(value);
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Result<std::vector<contract::SeriesExemplars>> MemorySource::exemplars(const contract::MetricScan&) const {
  return std::vector<contract::SeriesExemplars>();
}

Result<std::map<std::string, model::MetricMetadata>> MemorySource::metadata(const contract::Access&) const {
  return std::map<std::string, model::MetricMetadata>();
}

}  // namespace clew::query::promql
