// What queries see.
#include <algorithm>
#include <numeric>
#include <set>

#include "metricstore/metric_store.h"

namespace clew::metricstore {

// The chosen series, with what was in memory then and the parts that there were.
class MetricStore::Set final : public contract::SeriesSet {
 public:
  struct Entry {
    SeriesId id = 0;
    uint32_t labels_begin = 0, labels_end = 0;
    uint32_t first = 0, last = 0;  // of its samples in `buffered_`
  };
  size_t size() const override { return entries_.size(); }
  model::LabelsView labels(size_t series) const override {
    const Entry& entry = entries_[series];
    return model::LabelsView(
        std::string_view(packed_).substr(entry.labels_begin, entry.labels_end - entry.labels_begin));
  }
  Status read(size_t series, model::SampleColumns& samples) const override {
    samples.clear();
    const Entry& entry = entries_[series];
    for (const PartPtr& part : parts_) {
      size_t at = samples.size();
      CLEW_TRY(part->read(entry.id, from_millis_, to_millis_, samples));
      if (!tombstones_->empty()) drop_deleted(*tombstones_, part->number(), entry.id, at, samples);
    }
    append_samples(samples, buffered_, entry.first, entry.last);
    order_samples(samples);
    return {};
  }

  std::vector<Entry> entries_;  // in the order of their labels
  std::string packed_;
  model::SampleColumns buffered_;
  bool may_have(const Part& part, SeriesId id) const {
    if (!part.may_have(id, from_millis_, to_millis_)) return false;
    int64_t from = std::max(from_millis_, part.footer().min_millis);
    return tombstones_->empty() ||
           !all_deleted(*tombstones_, part.number(), id, from, std::min(to_millis_, part.footer().max_millis));
  }

  std::vector<PartPtr> parts_;  // oldest first
  std::shared_ptr<const Tombstones> tombstones_;
  int64_t from_millis_ = 0;
  int64_t to_millis_ = 0;
};

Result<std::unique_ptr<contract::SeriesSet>> MetricStore::select(const contract::MetricScan& scan) const {
  auto set = std::make_unique<Set>();
  set->from_millis_ = scan.from_millis;
  set->to_millis_ = scan.to_millis;
  base::MutexLock lock(mutex_);
  set->tombstones_ = tombstones_;
  for (const auto& [entry, part] : parts_) {
    const PartFooter& footer = part->footer();
    if (footer.max_millis >= scan.from_millis && footer.min_millis <= scan.to_millis) set->parts_.push_back(part);
  }
  std::vector<SeriesId> ids = CLEW_TRY(index_.select(scan.matchers));
  for (SeriesId id : ids) {
    Set::Entry entry;
    entry.id = id;
    entry.first = static_cast<uint32_t>(set->buffered_.size());
    if (flushing_) flushing_->collect(id, scan.from_millis, scan.to_millis, set->buffered_);
    active_->collect(id, scan.from_millis, scan.to_millis, set->buffered_);
    entry.last = static_cast<uint32_t>(set->buffered_.size());
    bool there = entry.first < entry.last || std::any_of(set->parts_.begin(), set->parts_.end(),
                                                         [&](const PartPtr& part) { return set->may_have(*part, id); });
    if (!there) continue;
    entry.labels_begin = static_cast<uint32_t>(set->packed_.size());
    index_.append_labels(id, set->packed_);
    entry.labels_end = static_cast<uint32_t>(set->packed_.size());
    set->entries_.push_back(entry);
  }
  std::string_view packed = set->packed_;
  std::sort(set->entries_.begin(), set->entries_.end(), [&](const Set::Entry& a, const Set::Entry& b) {
    return model::LabelsView(packed.substr(a.labels_begin, a.labels_end - a.labels_begin)) <
           model::LabelsView(packed.substr(b.labels_begin, b.labels_end - b.labels_begin));
  });
  return std::unique_ptr<contract::SeriesSet>(std::move(set));
}

namespace {

bool wants_all(const contract::MetricScan& scan) {
  return scan.matchers.empty() && scan.from_millis == INT64_MIN && scan.to_millis == INT64_MAX;
}

}  // namespace

Result<std::vector<std::string>> MetricStore::label_names(const contract::MetricScan& scan) const {
  if (wants_all(scan)) {
    base::MutexLock lock(mutex_);
    return index_.label_names();
  }
  std::unique_ptr<contract::SeriesSet> series = CLEW_TRY(select(scan));
  std::set<std::string, std::less<>> names;
  for (size_t i = 0; i < series->size(); ++i) {
    for (model::Label label : series->labels(i)) {
      if (names.find(label.name) == names.end()) names.emplace(label.name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MetricStore::label_values(const contract::MetricScan& scan,
                                                           std::string_view label) const {
  if (wants_all(scan)) {
    base::MutexLock lock(mutex_);
    return index_.label_values(label);
  }
  std::unique_ptr<contract::SeriesSet> series = CLEW_TRY(select(scan));
  std::set<std::string, std::less<>> values;
  for (size_t i = 0; i < series->size(); ++i) {
    std::string_view value = series->labels(i).get(label);
    if (!value.empty() && values.find(value) == values.end()) values.emplace(value);
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Result<std::vector<contract::SeriesExemplars>> MetricStore::exemplars(const contract::MetricScan& scan) const {
  base::MutexLock lock(mutex_);
  std::vector<SeriesId> ids = CLEW_TRY(index_.select(scan.matchers));
  std::map<SeriesId, contract::SeriesExemplars> found;
  for (const auto& [id, exemplar] : exemplars_) {
    if (exemplar.millis < scan.from_millis || exemplar.millis > scan.to_millis) continue;
    if (std::binary_search(ids.begin(), ids.end(), id)) found[id].exemplars.push_back(exemplar);
  }
  std::vector<contract::SeriesExemplars> out;
  for (auto& [id, of_series] : found) {
    std::string packed;
    index_.append_labels(id, packed);
    of_series.labels = model::Labels(model::LabelsView(packed));
    std::stable_sort(of_series.exemplars.begin(), of_series.exemplars.end(),
                     [](const model::Exemplar& a, const model::Exemplar& b) { return a.millis < b.millis; });
    out.push_back(std::move(of_series));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.labels < b.labels; });
  return out;
}

Result<std::map<std::string, model::MetricMetadata>> MetricStore::metadata(const contract::Access& access) const {
  (void)access;
  base::MutexLock lock(mutex_);
  return std::map<std::string, model::MetricMetadata>(metadata_.begin(), metadata_.end());
}

}  // namespace clew::metricstore
