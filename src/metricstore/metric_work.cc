// What happens to samples later: parts are written, merged and removed.
#include <algorithm>

#include "metricstore/metric_record.h"
#include "metricstore/metric_store.h"

namespace clew::metricstore {
namespace {

constexpr int64_t kMillisPerDay = 86'400'000;
constexpr size_t kMergeWidth = 4;                  // parts of one level and day that become one
constexpr size_t kPartsOfOldDay = 1;               // a day that is over has
constexpr int64_t kDayOverMillis = 2 * 3'600'000;  // after its end
constexpr auto kSwapWait = std::chrono::milliseconds(100);

int64_t day_of(int64_t millis) { return millis >= 0 ? millis / kMillisPerDay : (millis + 1) / kMillisPerDay - 1; }

}  // namespace

Result<PartPtr> MetricStore::open_part(uint64_t number) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(part_path(options_.dir, number), os::OpenMode::kRead));
  return Part::open(std::move(file), number, cache_);
}

uint64_t MetricStore::next_part() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) { return manifest_.next_part++; }

bool MetricStore::flush_due() const {
  base::MutexLock lock(mutex_);
  if (flushing_) return true;  // an earlier one failed
  if (active_->samples() == 0) return false;
  return active_->memory_bytes() >= options_.buffer_bytes_max ||
         clock_.monotonic_ns() - active_since_ns_ >= options_.flush_after_millis * 1'000'000;
}

Status MetricStore::flush() {
  base::MutexLock work(work_mutex_);
  return flush_locked();
}

// Everything that was stored before the call. Requires: work_mutex_ held.
Status MetricStore::flush_locked() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  CLEW_TRY(flush_swapped());  // what an earlier flush that failed left
  {
    base::MutexLock lock(mutex_);
    if (!options_.background || closed_) {
      swap_buffers();
    } else {
      swap_wanted_ = true;
      wake_commits_.notify_one();
      while (swap_wanted_ && !closed_) swapped_.wait_for(mutex_, kSwapWait);
    }
  }
  return flush_swapped();
}

// Requires: work_mutex_ held.
Status MetricStore::flush_swapped() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  std::shared_ptr<const SampleBuffers> buffers;
  SeriesLog::Entries entries;
  std::pair<uint64_t, uint64_t> until;
  {
    base::MutexLock lock(mutex_);
    buffers = flushing_;
    until = flushing_until_;
    if (!buffers) return {};
    std::string packed;
    for (SeriesId id : flushing_unlogged_) {
      packed.clear();
      index_.append_labels(id, packed);
      entries.series.emplace_back(id, model::Labels(model::LabelsView(packed)));
    }
    entries.metadata = new_metadata_;
  }
  CLEW_TRY(series_log_->append(entries));
  log_entries_ += entries.series.size();
  PartList parts = CLEW_TRY(write_parts(*buffers));
  CLEW_TRY(commit_parts(parts, {}, [&](MetricManifest& next) {
    next.replayed_file = until.first;
    next.replayed_end = until.second;
  }));
  {
    base::MutexLock lock(mutex_);
    for (SeriesId id : flushing_unlogged_) defined_[id] = true;
    flushing_unlogged_.clear();
    for (const auto& [metric, told] : entries.metadata) {
      auto waiting = new_metadata_.find(metric);
      if (waiting != new_metadata_.end() && waiting->second == told) new_metadata_.erase(waiting);
    }
    flushing_.reset();
  }
  for (uint64_t number : journal_->file_numbers()) {
    if (number < until.first) CLEW_TRY(journal_->remove_file(number));
  }
  return {};
}

// One part for each day that the samples are of, synced and named, not in the manifest yet.
Result<MetricStore::PartList> MetricStore::write_parts(const SampleBuffers& buffers) {
  struct Open {
    uint64_t number;
    std::unique_ptr<os::File> file;
    std::unique_ptr<PartWriter> writer;
  };
  std::map<int64_t, Open> days;
  model::SampleColumns all, day_samples;
  for (SeriesId series = 0; series < buffers.series_end(); ++series) {
    all.clear();
    buffers.collect(series, INT64_MIN, INT64_MAX, all);
    if (all.size() == 0) continue;
    order_samples(all);
    for (size_t from = 0; from < all.size();) {
      int64_t day = day_of(all.millis[from]);
      size_t to = from;
      while (to < all.size() && day_of(all.millis[to]) == day) ++to;
      Open& open = days[day];
      if (!open.file) {
        open.number = next_part();
        open.file = CLEW_TRY(disk_.open(part_path(options_.dir, open.number), os::OpenMode::kReplace));
        open.writer = std::make_unique<PartWriter>(*open.file);
      }
      if (from == 0 && to == all.size()) {
        CLEW_TRY(open.writer->add(series, all));
      } else {
        auto cut = [&](auto& to_lane, const auto& lane) {
          to_lane.clear();
          if (!lane.empty())
            to_lane.assign(lane.begin() + static_cast<ptrdiff_t>(from), lane.begin() + static_cast<ptrdiff_t>(to));
        };
        cut(day_samples.millis, all.millis);
        cut(day_samples.values, all.values);
        cut(day_samples.histograms, all.histograms);
        cut(day_samples.starts, all.starts);
        CLEW_TRY(open.writer->add(series, day_samples));
      }
      from = to;
    }
  }
  PartList parts;
  for (auto& [day, open] : days) {
    [[maybe_unused]] PartFooter footer = CLEW_TRY(open.writer->finish());
    CLEW_TRY(open.file->sync());
    PartPtr part = CLEW_TRY(open_part(open.number));
    parts.emplace_back(PartEntry{.number = open.number, .day = day, .level = 0, .first = open.number}, std::move(part));
  }
  if (!parts.empty()) CLEW_TRY(disk_.sync_dir(options_.dir));
  return parts;
}

// The manifest names `added` in place of `removed`, then queries see it. Requires: work_mutex_ held.
Status MetricStore::commit_parts(const PartList& added, const std::vector<uint64_t>& removed, const Edit& edit)
    CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  MetricManifest next = manifest_;
  next.series_log_bytes = series_log_->bytes();
  auto gone = [&](uint64_t number) { return std::find(removed.begin(), removed.end(), number) != removed.end(); };
  std::erase_if(next.parts, [&](const PartEntry& entry) { return gone(entry.number); });
  for (const auto& [entry, part] : added) next.parts.push_back(entry);
  auto in_order = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(next.parts.begin(), next.parts.end(), in_order);
  if (edit) edit(next);
  CLEW_TRY(write_manifest(disk_, options_.dir, next));
  manifest_ = std::move(next);
  base::MutexLock lock(mutex_);
  tombstones_ = std::make_shared<const Tombstones>(manifest_.tombstones);
  std::erase_if(parts_, [&](const auto& part) { return gone(part.first.number); });
  parts_.insert(parts_.end(), added.begin(), added.end());
  std::sort(parts_.begin(), parts_.end(), [&](const auto& a, const auto& b) { return in_order(a.first, b.first); });
  return {};
}

// Their names; who reads them reads on.
void MetricStore::remove_files(const std::vector<uint64_t>& numbers) {
  // What cannot be removed now is removed at the next start, as the manifest does not name it.
  for (uint64_t number : numbers) [[maybe_unused]] Status removed = disk_.remove(part_path(options_.dir, number));
}

// A part of what is in these, without what is deleted; nothing when all is. Requires: work_mutex_ held.
Result<std::optional<std::pair<PartEntry, PartPtr>>> MetricStore::merge_parts(const PartList& parts)
    CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  struct Input {
    std::unique_ptr<PartScan> scan;
    uint64_t number = 0;
    SeriesId series = 0;
    model::SampleColumns samples;
    bool more = false;
  };
  auto next = [this](Input& input) CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) -> Status {
    do {
      input.more = CLEW_TRY(input.scan->next(input.series, input.samples));
      if (input.more) drop_deleted(manifest_.tombstones, input.number, input.series, 0, input.samples);
    } while (input.more && input.samples.size() == 0);
    return {};
  };
  std::vector<Input> inputs(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    inputs[i].scan = std::make_unique<PartScan>(parts[i].second);
    inputs[i].number = parts[i].first.number;
    CLEW_TRY(next(inputs[i]));
  }
  PartEntry entry{.number = next_part(), .day = parts[0].first.day, .level = 0, .first = parts[0].first.first};
  for (const auto& [merged, part] : parts) {
    entry.level = std::max(entry.level, merged.level + (parts.size() > 1 ? 1u : 0u));
  }
  const std::string path = part_path(options_.dir, entry.number);
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path, os::OpenMode::kReplace));
  PartWriter writer(*file);
  model::SampleColumns joined;
  while (true) {
    SeriesId least = kNoSeries;
    for (const Input& input : inputs) {
      if (input.more) least = std::min(least, input.series);
    }
    if (least == kNoSeries) break;
    joined.clear();
    for (Input& input : inputs) {
      if (!input.more || input.series != least) continue;
      append_samples(joined, input.samples);
      CLEW_TRY(next(input));
    }
    order_samples(joined);
    CLEW_TRY(writer.add(least, joined));
  }
  PartFooter footer = CLEW_TRY(writer.finish());
  if (footer.samples == 0) {
    CLEW_TRY(disk_.remove(path));
    return std::optional<std::pair<PartEntry, PartPtr>>();
  }
  CLEW_TRY(file->sync());
  CLEW_TRY(disk_.sync_dir(options_.dir));
  PartPtr part = CLEW_TRY(open_part(entry.number));
  return std::optional(std::pair(entry, std::move(part)));
}

// Requires: work_mutex_ held.
Status MetricStore::replace_parts(const PartList& parts) {
  auto merged = CLEW_TRY(merge_parts(parts));
  std::vector<uint64_t> numbers;
  for (const auto& [entry, part] : parts) numbers.push_back(entry.number);
  PartList made;
  if (merged) made.push_back(std::move(*merged));
  CLEW_TRY(commit_parts(made, numbers));
  remove_files(numbers);
  return {};
}

// Requires: work_mutex_ held.
Result<bool> MetricStore::merge_once() {
  std::map<std::pair<int64_t, uint32_t>, PartList> by_level;
  std::map<int64_t, PartList> by_day;
  {
    base::MutexLock lock(mutex_);
    for (const auto& part : parts_) {
      by_level[{part.first.day, part.first.level}].push_back(part);
      by_day[part.first.day].push_back(part);
    }
  }
  PartList chosen;
  for (auto& [key, parts] : by_level) {
    if (parts.size() >= kMergeWidth) chosen = parts;
  }
  int64_t now = clock_.now().get() / 1'000'000;
  for (auto& [day, parts] : by_day) {
    if (chosen.empty() && parts.size() > kPartsOfOldDay && (day + 1) * kMillisPerDay + kDayOverMillis < now)
      chosen = parts;
  }
  if (chosen.empty()) return false;
  CLEW_TRY(replace_parts(chosen));
  return true;
}

// Requires: work_mutex_ held.
Result<bool> MetricStore::merge_day() {
  std::map<int64_t, PartList> by_day;
  {
    base::MutexLock lock(mutex_);
    for (const auto& part : parts_) by_day[part.first.day].push_back(part);
  }
  for (const auto& [day, parts] : by_day) {
    if (parts.size() <= 1) continue;
    CLEW_TRY(replace_parts(parts));
    return true;
  }
  return false;
}

Status MetricStore::compact() {
  CLEW_TRY(flush());
  for (bool more = true; more;) {
    base::MutexLock work(work_mutex_);
    more = CLEW_TRY(merge_day());
  }
  return {};
}

Result<bool> MetricStore::work_once() {
  if (flush_due()) {
    CLEW_TRY(flush());
    return true;
  }
  base::MutexLock work(work_mutex_);
  for (auto step : {&MetricStore::merge_once, &MetricStore::remove_old, &MetricStore::clean_once}) {
    bool done = CLEW_TRY((this->*step)());
    if (done) return true;
  }
  return forget_series();
}

}  // namespace clew::metricstore
