// What goes: by request, by age, by size, and series of which nothing is left.
#include <algorithm>
#include <map>

#include "metricstore/metric_record.h"
#include "metricstore/metric_store.h"

namespace clew::metricstore {
namespace {

constexpr uint64_t kRulesEveryNs = 600'000'000'000;  // how often retention by rule looks
constexpr uint64_t kForgetEveryNs = 600'000'000'000;
constexpr uint64_t kLogEntriesLeast = 10'000;  // a shorter series log is not written anew

bool intersect(const SeriesRuns& a, const SeriesRuns& b) {
  auto x = a.runs().begin();
  for (auto y = b.runs().begin(); x != a.runs().end() && y != b.runs().end();) {
    if (x->second < y->first) {
      ++x;
    } else if (y->second < x->first) {
      ++y;
    } else {
      return true;
    }
  }
  return false;
}

// Whether the part may have samples that the tombstone takes.
bool touches(const Tombstone& tombstone, const Part& part) {
  const PartFooter& footer = part.footer();
  return part.number() < tombstone.before_part && footer.max_millis >= tombstone.from_millis &&
         footer.min_millis <= tombstone.to_millis && (footer.ids.empty() || intersect(footer.ids, tombstone.series));
}

}  // namespace

Result<uint64_t> MetricStore::delete_series(const std::vector<contract::LabelMatcher>& matchers, int64_t from_millis,
                                            int64_t to_millis) {
  base::MutexLock work(work_mutex_);
  // Then all that was stored before lies in parts, and the next start does not read it from the journal.
  CLEW_TRY(flush_locked());
  std::vector<SeriesId> ids;
  {
    base::MutexLock lock(mutex_);
    ids = CLEW_TRY(index_.select(matchers));
  }
  if (ids.empty()) return uint64_t{0};
  Tombstone tombstone{
      .before_part = next_part(), .from_millis = from_millis, .to_millis = to_millis, .series = SeriesRuns::of(ids)};
  CLEW_TRY(commit_parts({}, {}, [&](MetricManifest& next) { next.tombstones.push_back(tombstone); }));
  base::MutexLock lock(mutex_);
  auto within = [&](int64_t millis) { return millis >= from_millis && millis <= to_millis; };
  for (SeriesId id : ids) {
    if (within(newest_[id])) newest_[id] = INT64_MIN;  // the same time may be written again
  }
  std::erase_if(exemplars_, [&](const auto& exemplar) {
    return within(exemplar.second.millis) && tombstone.series.has(exemplar.first);
  });
  return ids.size();
}

// Writes one part without what is deleted, or takes away tombstones that no part needs. Requires: work_mutex_ held.
Result<bool> MetricStore::clean_once() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  const Tombstones& tombstones = manifest_.tombstones;
  if (tombstones.empty()) return false;
  PartList parts;
  {
    base::MutexLock lock(mutex_);
    parts = parts_;
  }
  for (const auto& part : parts) {
    bool hit = std::any_of(tombstones.begin(), tombstones.end(),
                           [&](const Tombstone& tombstone) { return touches(tombstone, *part.second); });
    if (!hit) continue;
    CLEW_TRY(replace_parts({part}));
    return true;
  }
  CLEW_TRY(commit_parts({}, {}, [](MetricManifest& next) { next.tombstones.clear(); }));
  return true;
}

Status MetricStore::clean_tombstones() {
  for (bool more = true; more;) {
    base::MutexLock work(work_mutex_);
    more = CLEW_TRY(clean_once());
  }
  return {};
}

// Requires: work_mutex_ held.
Result<bool> MetricStore::remove_old() {
  int64_t keep = options_.retention_millis;
  for (const MetricRetention& rule : options_.retention) keep = std::max(keep, rule.millis);
  int64_t keep_from = clock_.now().get() / 1'000'000 - keep;
  std::vector<uint64_t> old;
  {
    base::MutexLock lock(mutex_);
    for (const auto& [entry, part] : parts_) {
      if (part->footer().max_millis < keep_from) old.push_back(entry.number);
    }
  }
  if (!old.empty()) {
    CLEW_TRY(commit_parts({}, old));
    remove_files(old);
    return true;
  }
  bool by_rules = CLEW_TRY(remove_by_rules());
  if (by_rules) return true;
  return remove_beyond_bytes();
}

// What the rules take of parts becomes a tombstone, by which the parts are written anew. Requires: work_mutex_ held.
Result<bool> MetricStore::remove_by_rules() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  uint64_t clock_ns = clock_.monotonic_ns();
  if (options_.retention.empty() || (rules_applied_ns_ != 0 && clock_ns - rules_applied_ns_ < kRulesEveryNs)) {
    return false;
  }
  rules_applied_ns_ = std::max<uint64_t>(clock_ns, 1);
  const int64_t now = clock_.now().get() / 1'000'000;
  Tombstones made;
  {
    base::MutexLock lock(mutex_);
    std::vector<int64_t> keep(index_.end(), options_.retention_millis);
    for (auto rule = options_.retention.rbegin(); rule != options_.retention.rend(); ++rule) {
      std::vector<SeriesId> ids = CLEW_TRY(index_.select(rule->matchers));
      for (SeriesId id : ids) keep[id] = rule->millis;
    }
    for (const auto& [entry, part] : parts_) {
      const PartFooter& footer = part->footer();
      std::vector<SeriesId> gone;
      for (const auto& [first, last] : footer.ids.runs()) {
        for (uint64_t id = first; id <= last && id < keep.size(); ++id) {
          if (footer.max_millis < now - keep[id]) gone.push_back(static_cast<SeriesId>(id));
        }
      }
      if (gone.empty()) continue;
      made.push_back({.before_part = entry.number + 1,
                      .from_millis = footer.min_millis,
                      .to_millis = footer.max_millis,
                      .series = SeriesRuns::of(gone)});
      // Other parts with lesser numbers may have younger samples of these series, but none within an expired range
      // that is not expired too.
    }
  }
  if (made.empty()) return false;
  CLEW_TRY(commit_parts(
      {}, {}, [&](MetricManifest& next) { next.tombstones.insert(next.tombstones.end(), made.begin(), made.end()); }));
  return true;
}

// Whole days, the oldest first; the newest stays. Requires: work_mutex_ held.
Result<bool> MetricStore::remove_beyond_bytes() {
  if (options_.retention_bytes_max == 0) return false;
  std::map<int64_t, std::vector<uint64_t>> days;
  uint64_t bytes = 0;
  {
    base::MutexLock lock(mutex_);
    for (const auto& [entry, part] : parts_) {
      days[entry.day].push_back(entry.number);
      bytes += part->file_bytes();
    }
  }
  if (bytes <= options_.retention_bytes_max || days.size() <= 1) return false;
  const std::vector<uint64_t> oldest = days.begin()->second;
  CLEW_TRY(commit_parts({}, oldest));
  remove_files(oldest);
  return true;
}

// Series of which no part and no buffer has a sample, and that no write named for a while. True when some went.
// Requires: work_mutex_ held, so that parts and what is flushed stay as they are.
Result<bool> MetricStore::forget_series() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  const uint64_t clock_ns = clock_.monotonic_ns();
  if (clock_ns - forgot_ns_ < kForgetEveryNs) return false;
  forgot_ns_ = clock_ns;
  const uint64_t now = clock_ns / 1'000'000'000;
  const auto after = static_cast<uint64_t>(options_.forget_after_millis / 1000);
  {
    base::MutexLock lock(mutex_);
    if (flushing_) return false;
    std::vector<bool> alive(index_.end());
    for (const auto& [entry, part] : parts_) {
      const PartFooter& footer = part->footer();
      if (footer.ids.empty() && footer.samples > 0) return false;  // a part of version 1 does not say
      for (const auto& [first, last] : footer.ids.runs()) {
        for (uint64_t id = first; id <= last && id < alive.size(); ++id) alive[id] = true;
      }
    }
    std::vector<SeriesId> gone;
    for (size_t i = 0; i < alive.size(); ++i) {
      auto id = static_cast<SeriesId>(i);
      // A record that names it must not be read again by a start, when its id may be another's.
      bool named = now - written_seconds_[i] < after || written_seconds_[i] >= swapped_seconds_;
      if (alive[i] || index_.is_free(id) || named || active_->has(id)) continue;
      gone.push_back(id);
    }
    if (gone.empty()) return false;
    index_.remove(gone);
    auto is_gone = [&](SeriesId id) { return std::binary_search(gone.begin(), gone.end(), id); };
    std::erase_if(unlogged_, is_gone);
    std::erase_if(exemplars_, [&](const auto& exemplar) { return is_gone(exemplar.first); });
    forgotten_ += gone.size();
  }
  CLEW_TRY(rewrite_series_log());
  return true;
}

// When more than half of it are forgotten series. Requires: work_mutex_ held.
Status MetricStore::rewrite_series_log() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  SeriesLog::Entries entries;
  {
    base::MutexLock lock(mutex_);
    if (log_entries_ < kLogEntriesLeast || log_entries_ < 2 * index_.size()) return {};
    std::vector<bool> unlogged(index_.end());
    for (SeriesId id : unlogged_) unlogged[id] = true;
    std::string packed;
    for (size_t i = 0; i < index_.end(); ++i) {
      auto id = static_cast<SeriesId>(i);
      if (unlogged[i] || index_.is_free(id)) continue;
      packed.clear();
      index_.append_labels(id, packed);
      entries.series.emplace_back(id, model::Labels(model::LabelsView(packed)));
    }
    entries.metadata = metadata_;
  }
  const uint64_t old = manifest_.series_log;
  std::unique_ptr<SeriesLog> log = CLEW_TRY(SeriesLog::create(disk_, options_.dir, old + 1));
  CLEW_TRY(log->append(entries));
  std::swap(series_log_, log);
  Status named = commit_parts({}, {}, [&](MetricManifest& next) { next.series_log = old + 1; });
  if (!named.ok()) {
    // Whether the manifest names the new one is not known: both are as good, and the old one goes on.
    std::swap(series_log_, log);
    return named;
  }
  log_entries_ = entries.series.size();
  [[maybe_unused]] Status removed = disk_.remove(series_log_path(options_.dir, old));
  return {};
}

}  // namespace clew::metricstore
