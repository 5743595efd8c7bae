#include "scrape/target_series.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace clew::scrape {
namespace {

constexpr uint64_t kPagesRemembered = 10;  // of a series that does not come any more
constexpr std::string_view kExported = "exported_";

// The sample's labels joined with the target's. Where both have one, honor_labels says whose holds; the sample's is
// kept as exported_NAME otherwise.
LabelSet joined(wire::LabelPairs& pairs, const model::Labels& target_labels, bool honor) {
  // An empty label is none; but where labels are honoured it says that the target's is not wanted.
  std::vector<std::string> unwanted;
  for (const auto& [name, value] : pairs) {
    if (honor && value.empty()) unwanted.push_back(name);
  }
  LabelSet labels(std::move(pairs));
  if (honor) {
    for (model::Label label : target_labels) {
      bool wanted = std::find(unwanted.begin(), unwanted.end(), label.name) == unwanted.end();
      if (wanted) labels.set_if_absent(label.name, std::string(label.value));
    }
    return labels;
  }
  std::vector<std::pair<std::string, std::string>> displaced;
  for (model::Label label : target_labels) {
    if (labels.has(label.name)) displaced.emplace_back(label.name, labels.get(label.name));
    labels.set(label.name, std::string(label.value));
  }
  for (auto& [name, value] : displaced) {
    std::string exported = std::string(kExported) + name;
    while (labels.has(exported)) exported.insert(0, kExported);
    labels.set(exported, std::move(value));
  }
  return labels;
}

Status check_limits(const ScrapeConfig& config, const LabelSet& labels) {
  if (config.label_limit != 0 && labels.pairs().size() > config.label_limit) {
    return Error(Code::kTooLarge, "label_limit exceeded: " + quoted(labels.get(model::kMetricNameLabel)) + " has " +
                                      std::to_string(labels.pairs().size()) + " labels, more than " +
                                      std::to_string(config.label_limit));
  }
  for (const auto& [name, value] : labels.pairs()) {
    bool long_name = config.label_name_length_limit != 0 && name.size() > config.label_name_length_limit;
    bool long_value = config.label_value_length_limit != 0 && value.size() > config.label_value_length_limit;
    if (!long_name && !long_value) continue;
    return Error(Code::kTooLarge, std::string(long_name ? "label_name_length_limit" : "label_value_length_limit") +
                                      " exceeded by " + quoted(name) + " of " +
                                      quoted(labels.get(model::kMetricNameLabel)));
  }
  return {};
}

void add_marker(const model::Labels& labels, int64_t millis, model::MetricBatch& batch) {
  batch.begin_series(labels);
  batch.add_sample(millis, model::stale_value());
}

}  // namespace

// Null for a series without a metric's name, which is rejected.
Result<TargetSeries::Entry*> TargetSeries::entry_of(wire::Exposition& page, const ScrapeConfig& config,
                                                    const model::Labels& target_labels, ScrapeCounts& counts) {
  std::string_view series = page.series();
  auto found = entries_.find(absl::string_view(series.data(), series.size()));
  if (found != entries_.end()) return &found->second;
  Status read = page.read_labels(pairs_);
  if (!read.ok()) {
    page.reject(read.error());
    return nullptr;
  }
  LabelSet labels = joined(pairs_, target_labels, config.honor_labels);
  Entry entry;
  if (relabel(config.metric_relabel, labels)) {
    if (!labels.has(model::kMetricNameLabel)) {
      page.reject(Error(Code::kInvalid, "a rule has taken the metric's name away"));
      return nullptr;
    }
    CLEW_TRY(check_limits(config, labels));
    entry.labels = labels.build();
    ++counts.added;
  }
  return &entries_.emplace(std::string(series), std::move(entry)).first->second;
}

void TargetSeries::take_told(wire::ExpositionKind kind, const wire::ExpositionTold& told) {
  model::MetricMetadata& known = told_[std::string(told.metric)];
  if (kind == wire::ExpositionKind::kType) known.type = told.type;
  if (kind == wire::ExpositionKind::kHelp) known.help = told.text;
  if (kind == wire::ExpositionKind::kUnit) known.unit = told.text;
}

Result<ScrapeCounts> TargetSeries::take(wire::Exposition& page, const ScrapeConfig& config,
                                        const model::Labels& target_labels, int64_t millis, model::MetricBatch& batch) {
  ScrapeCounts counts;
  ++page_;
  told_.clear();
  while (true) {
    wire::ExpositionKind kind = CLEW_TRY(page.next());
    if (kind == wire::ExpositionKind::kEnd) break;
    if (kind != wire::ExpositionKind::kSample && kind != wire::ExpositionKind::kHistogram) {
      take_told(kind, page.told());
      continue;
    }
    Entry* entry = CLEW_TRY(entry_of(page, config, target_labels, counts));
    if (entry == nullptr) continue;
    ++counts.scraped;
    if (entry->labels.empty()) {
      entry->seen = page_;
      continue;
    }
    if (config.sample_limit != 0 && ++counts.post_relabeling > config.sample_limit) {
      return Error(Code::kTooLarge, "sample_limit exceeded: more than " + std::to_string(config.sample_limit));
    }
    if (config.sample_limit == 0) ++counts.post_relabeling;
    const wire::ExpositionPoint& point = page.point();
    bool own_time = point.has_time && config.honor_timestamps;
    int64_t at = own_time ? point.millis : millis;
    entry->seen = page_;
    entry->wants_marker = !own_time || config.track_timestamps_staleness;
    batch.begin_series(entry->labels);
    if (kind == wire::ExpositionKind::kHistogram)
      batch.add_histogram(at, point.histogram, point.start_millis);
    else
      batch.add_sample(at, point.value, point.start_millis);
    for (model::Exemplar exemplar : point.exemplars) {
      if (exemplar.millis == 0) exemplar.millis = at;
      batch.add_exemplar(std::move(exemplar));
    }
  }
  for (auto& [metric, told] : told_) {
    model::MetricMetadata& known = metadata_[metric];
    if (known == told && known != model::MetricMetadata()) continue;
    known = told;
    batch.set_metadata(metric, std::move(told));
  }
  mark_gone(millis, batch);
  counts.bad_lines = page.bad_lines();
  counts.first_mistake = page.first_mistake();
  return counts;
}

// Series of the page before that this one lacks.
void TargetSeries::mark_gone(int64_t millis, model::MetricBatch& batch) {
  absl::flat_hash_set<std::string_view> here;
  if (!leaving_.empty()) {
    for (const auto& [key, entry] : entries_) {
      if (entry.seen == page_) here.insert(entry.labels.packed());
    }
    for (const model::Labels& labels : leaving_) {
      if (!here.contains(labels.packed())) add_marker(labels, millis, batch);
    }
    leaving_.clear();
  }
  absl::erase_if(entries_, [&](auto& named) {
    Entry& entry = named.second;
    if (entry.seen == page_) {
      entry.live = entry.wants_marker;
      return false;
    }
    if (entry.live) add_marker(entry.labels, millis, batch);
    entry.live = false;
    return entry.seen + kPagesRemembered < page_;
  });
}

void TargetSeries::fail(int64_t millis, model::MetricBatch& batch) {
  ++page_;
  mark_gone(millis, batch);
}

void TargetSeries::forget_labels() {
  for (auto& [key, entry] : entries_) {
    if (entry.live) leaving_.push_back(std::move(entry.labels));
  }
  entries_.clear();
}

}  // namespace clew::scrape
