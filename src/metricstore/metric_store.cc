// Opening, writing, committing.
#include "metricstore/metric_store.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hash.h"
#include "metricstore/metric_record.h"

namespace clew::metricstore {
namespace {

constexpr auto kCommitWait = std::chrono::milliseconds(500);
constexpr auto kWorkWait = std::chrono::seconds(1);

base::Counter& refused(base::Registry& metrics, const char* reason) {
  return metrics.counter("clew_metric_samples_refused_total", "Samples that were not stored, by reason",
                         {{"reason", reason}});
}

}  // namespace

MetricStore::MetricStore(os::Disk& disk, const os::Clock& clock, os::Rng& rng, base::Registry& metrics,
                         MetricStoreOptions options)
    : disk_(disk),
      clock_(clock),
      rng_(rng),
      options_(std::move(options)),
      cache_(options_.cache_bytes),
      active_(std::make_unique<SampleBuffers>()),
      record_meta_(record_meta(rng.next())),
      stored_(metrics.counter("clew_metric_samples_stored_total", "Samples stored", {})),
      same_(metrics.counter("clew_metric_samples_same_total", "Samples that were there already", {})),
      refused_duplicate_(refused(metrics, "duplicate")),
      refused_old_(refused(metrics, "too_old")),
      refused_ahead_(refused(metrics, "too_far_ahead")),
      refused_labels_(refused(metrics, "bad_labels")),
      refused_limit_(refused(metrics, "series_limit")) {}

MetricStore::~MetricStore() { close(); }

Result<std::unique_ptr<MetricStore>> MetricStore::open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                       base::Registry& metrics, MetricStoreOptions options) {
  std::unique_ptr<MetricStore> store(new MetricStore(disk, clock, rng, metrics, std::move(options)));
  CLEW_TRY(store->recover());
  if (store->options_.background) {
    MetricStore* self = store.get();
    store->commit_thread_ = std::jthread([self](const std::stop_token& stop) { self->run_commits(stop); });
    pthread_setname_np(store->commit_thread_.native_handle(), "clew-mjournal");
    store->work_thread_ = std::jthread([self](const std::stop_token& stop) { self->run_work(stop); });
    pthread_setname_np(store->work_thread_.native_handle(), "clew-mwork");
  }
  return store;
}

Status MetricStore::recover() {
  CLEW_TRY(disk_.make_dirs(options_.dir));
  lock_ = CLEW_TRY(disk_.lock_dir(options_.dir));
  base::MutexLock work(work_mutex_);
  std::optional<MetricManifest> manifest = CLEW_TRY(read_manifest(disk_, options_.dir));
  if (manifest) manifest_ = std::move(*manifest);
  base::MutexLock lock(mutex_);
  if (manifest_.series_log == 0) manifest_.series_log = 1;
  series_log_ = CLEW_TRY(SeriesLog::open(disk_, options_.dir, manifest_.series_log, manifest_.series_log_bytes));
  CLEW_TRY(read_series_log());
  std::vector<PartEntry> whole;
  for (const PartEntry& entry : manifest_.parts) {
    Result<PartPtr> part = open_part(entry.number);
    if (!part.ok()) {
      if (part.error().code() != Code::kCorrupt && part.error().code() != Code::kNotFound) return part.error();
      ++damaged_;
      [[maybe_unused]] Status kept =
          disk_.rename(part_path(options_.dir, entry.number), part_path(options_.dir, entry.number) + ".bad");
      continue;
    }
    whole.push_back(entry);
    newest_millis_ = std::max(newest_millis_, (*part)->footer().max_millis);
    parts_.emplace_back(entry, std::move(*part));
  }
  manifest_.parts = std::move(whole);
  // Parts that a crash left unnamed.
  std::vector<os::DirEntry> files = CLEW_TRY(disk_.list(options_.dir));
  const std::string log_path = series_log_path(options_.dir, manifest_.series_log);
  for (const os::DirEntry& file : files) {
    bool other_log = file.name.starts_with("series-") && options_.dir + "/" + file.name != log_path;
    if (other_log) CLEW_TRY(disk_.remove(options_.dir + "/" + file.name));
    if (!file.name.ends_with(".mpart")) continue;
    uint64_t number = std::strtoull(file.name.c_str(), nullptr, 10);
    bool named = std::any_of(manifest_.parts.begin(), manifest_.parts.end(),
                             [&](const PartEntry& entry) { return entry.number == number; });
    manifest_.next_part = std::max(manifest_.next_part, number + 1);
    if (!named) CLEW_TRY(disk_.remove(options_.dir + "/" + file.name));
  }
  journal::RecoveryReport report;
  tombstones_ = std::make_shared<const Tombstones>(manifest_.tombstones);
  const std::pair<uint64_t, uint64_t> in_parts{manifest_.replayed_file, manifest_.replayed_end};
  auto each = [this, in_parts](journal::RecoveredRecord&& record) -> Status {
    bool known =
        !record.record.blobs.empty() && std::pair(record.file_number, record.record.blobs[0].offset) < in_parts;
    if (known) return {};
    return replay(std::move(record));
  };
  journal_ = CLEW_TRY(journal::Journal::open(disk_, rng_, options_.dir + "/journal", options_.journal, each, report));
  damaged_ += report.damaged_records + report.damaged_files;
  replayed_.clear();
  return {};
}

// Called with both mutexes held, by recover(). Of an id that was given twice the later labels hold.
Status MetricStore::read_series_log() CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  std::vector<std::string> packed;  // by id; empty where a series is forgotten
  const uint64_t damaged_before = damaged_;
  CLEW_TRY(series_log_->read(
      [&](SeriesLog::Entries&& entries) {
        log_entries_ += entries.series.size();
        for (const auto& [id, labels] : entries.series) {
          if (id >= packed.size()) packed.resize(id + size_t{1});
          packed[id] = labels.packed();
        }
        for (auto& [metric, told] : entries.metadata) metadata_.insert_or_assign(metric, std::move(told));
      },
      damaged_));
  for (size_t id = 0; id < packed.size(); ++id) {
    model::Labels lost;
    if (packed[id].empty() && damaged_ > damaged_before) lost = model::Labels::of({{"__lost__", std::to_string(id)}});
    model::LabelsView labels = packed[id].empty() ? lost.view() : model::LabelsView(packed[id]);
    if (!labels.empty() && !index_.find(labels)) add_series_at(static_cast<SeriesId>(id), labels);
  }
  logged_series_ = index_.end();
  std::fill(defined_.begin(), defined_.end(), true);
  unlogged_.clear();
  return {};
}

// Called with both mutexes held, by recover().
Status MetricStore::replay(journal::RecoveredRecord&& recovered) CLEW_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  Result<uint64_t> run = read_record_meta(recovered.record.meta);
  if (!run.ok() && run.error().code() == Code::kUnsupported) return run.error();
  if (!run.ok() || recovered.record.blobs.size() != 1) {
    ++damaged_;
    return {};
  }
  const journal::BlobPlace& place = recovered.record.blobs[0];
  std::string bytes = CLEW_TRY(recovered.file->read_at(place.offset, place.bytes));
  Result<MetricRecord> record = decode_record(bytes);
  if (!record.ok()) {
    ++damaged_;
    return {};
  }
  for (const auto& [id, labels] : record->defined) {
    std::optional<SeriesId> known = index_.find(labels);
    // Only the series log makes an id hold from run to run: a record of this run will define it again.
    replayed_[{*run, id}] = known ? *known : add_series(labels);
  }
  Pending write;
  write.batch = std::move(record->batch);
  for (SeriesId id : record->ids) {
    auto now = replayed_.find({*run, id});
    bool logged = id < logged_series_ && !index_.is_free(id);
    if (now == replayed_.end() && !logged) ++damaged_;
    write.ids.push_back(now != replayed_.end() ? now->second : logged ? id : kNoSeries);
  }
  apply(write);
  return {};
}

void MetricStore::add_series_at(SeriesId series, model::LabelsView labels) {
  index_.add_at(series, labels);
  note_added(series);
}

SeriesId MetricStore::add_series(model::LabelsView labels) {
  SeriesId series = index_.add(labels);
  note_added(series);
  return series;
}

void MetricStore::note_added(SeriesId series) {
  if (newest_.size() < index_.end()) {
    newest_.resize(index_.end(), INT64_MIN);
    newest_values_.resize(index_.end());
    defined_.resize(index_.end());
    written_seconds_.resize(index_.end());
  }
  newest_[series] = INT64_MIN;
  defined_[series] = false;
  written_seconds_[series] = static_cast<uint32_t>(clock_.monotonic_ns() / 1'000'000'000);
  unlogged_.push_back(series);
}

std::string MetricStore::text_of(SeriesId series) const {
  std::string packed;
  index_.append_labels(series, packed);
  return model::to_text(model::LabelsView(packed));
}

// Why a series that is not known yet cannot be taken; nothing when it can.
std::optional<std::string> MetricStore::refusal_of(model::LabelsView labels, contract::MetricAck& ack,
                                                   uint64_t samples) const {
  std::string_view metric = labels.metric_name();
  if (metric.empty() || labels.size() > options_.labels_max) {
    ack.bad_labels += samples;
    return metric.empty() ? "no metric name" : fmt::format("more than {} labels", options_.labels_max);
  }
  std::string why;
  if (index_.size() >= options_.series_max) {
    why = fmt::format("there are {} series, which is the limit", index_.size());
  } else if (options_.series_per_metric_max != 0 && index_.series_of_metric(metric) >= options_.series_per_metric_max) {
    why = fmt::format("the metric has {} series, which is the limit of one metric", options_.series_per_metric_max);
  } else if (options_.values_per_label_max != 0) {
    for (model::Label label : labels) {
      if (index_.values_of_label(label.name) < options_.values_per_label_max ||
          index_.has_value(label.name, label.value)) {
        continue;
      }
      why = fmt::format("the label {} has {} values, which is the limit of one label", quoted(label.name),
                        options_.values_per_label_max);
      break;
    }
  }
  if (why.empty()) return std::nullopt;
  ack.over_limit += samples;
  return why;
}

// Gives each series of the batch its id; new ones are added. What cannot be is counted.
void MetricStore::resolve(Pending& write) {
  const auto now = static_cast<uint32_t>(clock_.monotonic_ns() / 1'000'000'000);
  write.ids.reserve(write.batch.series().size());
  for (const model::MetricBatch::Series& series : write.batch.series()) {
    model::LabelsView labels = write.batch.labels_of(series);
    std::optional<SeriesId> known = index_.find(labels);
    if (!known) {
      uint64_t samples = series.samples_end - series.samples_begin + series.histograms_end - series.histograms_begin;
      if (std::optional<std::string> why = refusal_of(labels, write.ack, samples)) {
        if (write.ack.first_refused.empty()) write.ack.first_refused = model::to_text(labels) + ": " + *why;
        write.ids.push_back(kNoSeries);
        continue;
      }
      known = add_series(labels);
    }
    write.ids.push_back(*known);
    written_seconds_[*known] = now;
    if (!defined_[*known]) write.defined.emplace_back(*known, model::Labels(labels));
  }
}

void MetricStore::write(const contract::Access& access, const model::MetricBatch& batch, Done done) {
  (void)access;  // one tenant; datasets are of events
  Pending write;
  write.batch = batch;
  write.done = std::move(done);
  std::optional<Error> refusal;
  {
    base::MutexLock lock(mutex_);
    if (closed_) {
      refusal = Error(Code::kUnavailable, "the store is closing");
    } else if (pending_bytes_ > options_.pending_bytes_max ||
               (flushing_ && active_->memory_bytes() > 2 * options_.buffer_bytes_max)) {
      refusal = Error(Code::kOverloaded, "too many samples wait for the disk");
    } else {
      resolve(write);
    }
  }
  if (refusal) return write.done(*refusal);
  encode_record(write.defined, write.ids, write.batch, write.record);
  {
    base::MutexLock lock(mutex_);
    if (closed_) {
      refusal = Error(Code::kUnavailable, "the store is closing");
    } else {
      pending_bytes_ += write.record.size();
      pending_.push_back(std::move(write));
    }
  }
  if (refusal) return write.done(*refusal);
  if (options_.background) {
    wake_commits_.notify_one();
  } else {
    commit_pending();
  }
}

// Whether a float sample is to be stored; counts what becomes of it.
bool MetricStore::admit(SeriesId series, int64_t millis, double value, contract::MetricAck& ack) {
  auto refuse = [&](uint64_t& count, const char* why) {
    ++count;
    if (ack.first_refused.empty()) ack.first_refused = text_of(series) + " at " + std::to_string(millis) + ": " + why;
    return false;
  };
  int64_t newest = newest_[series];
  if (millis > latest_millis_) {
    return refuse(ack.too_far_ahead, "later than the clock of the server by more than is allowed");
  }
  if (millis > newest) {
    newest_[series] = millis;
    newest_values_[series] = value;
    newest_millis_ = std::max(newest_millis_, millis);
  } else if (millis == newest) {
    if (std::bit_cast<uint64_t>(value) != std::bit_cast<uint64_t>(newest_values_[series])) {
      return refuse(ack.duplicates, "a sample of that time is there with another value");
    }
    ++ack.same;
    return false;
  } else if (millis < newest - options_.out_of_order_millis) {
    return refuse(ack.too_old, "older than its series' newest by more than the out-of-order window");
  }
  ++ack.stored;
  return true;
}

void MetricStore::apply_sample(SeriesId series, const model::Sample& sample, int64_t start, contract::MetricAck& ack) {
  if (!admit(series, sample.millis, sample.value, ack)) return;
  active_->add(series, sample.millis, sample.value);
  if (start != 0) active_->note_start(series, sample.millis, start);
}

// What a record says becomes what queries see. The same whenever it is done again from the start.
void MetricStore::apply(Pending& write) {
  latest_millis_ = clock_.now().get() / 1'000'000 + options_.ahead_millis;
  if (active_since_ns_ == 0 && write.batch.samples_count() > 0) active_since_ns_ = clock_.monotonic_ns();
  const auto& all = write.batch.series();
  for (size_t s = 0; s < all.size(); ++s) {
    SeriesId id = write.ids[s];
    if (id == kNoSeries) continue;
    const model::MetricBatch::Series& series = all[s];
    const std::vector<int64_t>& starts = write.batch.starts();
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      apply_sample(id, write.batch.samples()[i], i < starts.size() ? starts[i] : 0, write.ack);
    }
    for (uint32_t i = series.histograms_begin; i < series.histograms_end; ++i) {
      const auto& sample = write.batch.histograms()[i];
      if (!admit(id, sample.millis, sample.histogram->sum, write.ack)) continue;
      active_->add_histogram(id, sample.millis, sample.histogram);
      if (sample.start_millis != 0) active_->note_start(id, sample.millis, sample.start_millis);
    }
    if (series.exemplars_begin < series.exemplars_end) keep_exemplars(write, s);
  }
  for (const auto& [metric, told] : write.batch.metadata()) {
    auto known = metadata_.find(metric);
    if (known != metadata_.end() && known->second == told) continue;
    metadata_.insert_or_assign(metric, told);
    new_metadata_.insert_or_assign(metric, told);
  }
}

void MetricStore::keep_exemplars(const Pending& write, size_t s) {
  const model::MetricBatch::Series& series = write.batch.series()[s];
  for (uint32_t i = series.exemplars_begin; i < series.exemplars_end; ++i) {
    exemplars_.emplace_back(write.ids[s], write.batch.exemplars()[i]);
    if (exemplars_.size() > options_.exemplars_max) exemplars_.pop_front();
  }
}

void MetricStore::commit_group(std::vector<Pending>& group) {
  std::vector<journal::Blob> blobs;
  blobs.reserve(group.size());
  std::vector<journal::Entry> entries;
  for (const Pending& write : group) {
    blobs.push_back({write.record, base::crc32c(write.record)});
    entries.push_back({record_meta_, std::span(&blobs.back(), 1)});
  }
  Result<std::vector<journal::Place>> appended = journal_->append(entries);
  if (appended.ok()) {
    base::MutexLock lock(mutex_);
    for (Pending& write : group) {
      for (const auto& [id, labels] : write.defined) defined_[id] = true;
      apply(write);
    }
  }
  if (appended.ok() && follower_) {
    std::vector<const model::MetricBatch*> batches;
    for (const Pending& write : group) batches.push_back(&write.batch);
    follower_(batches);
  }
  for (Pending& write : group) {
    if (!appended.ok()) {
      write.done(appended.error());
      continue;
    }
    stored_.add(write.ack.stored);
    same_.add(write.ack.same);
    refused_duplicate_.add(write.ack.duplicates);
    refused_old_.add(write.ack.too_old);
    refused_ahead_.add(write.ack.too_far_ahead);
    refused_labels_.add(write.ack.bad_labels);
    refused_limit_.add(write.ack.over_limit);
    write.done(std::move(write.ack));
  }
}

void MetricStore::commit_pending() {
  std::vector<Pending> group;
  {
    base::MutexLock lock(mutex_);
    group = std::move(pending_);
    pending_.clear();
    pending_bytes_ = 0;
  }
  if (!group.empty()) commit_group(group);
}

void MetricStore::run_commits(const std::stop_token& stop) {
  while (true) {
    {
      base::MutexLock lock(mutex_);
      if (pending_.empty() && !swap_wanted_ && stop.stop_requested()) return;
      if (pending_.empty() && !swap_wanted_) wake_commits_.wait_for(mutex_, kCommitWait);
    }
    commit_pending();
    // Between two groups everything in the journal's files stands in memory.
    base::MutexLock lock(mutex_);
    if (swap_wanted_) swap_buffers();
  }
}

void MetricStore::swap_buffers() {
  swap_wanted_ = false;
  if (!flushing_) swapped_seconds_ = static_cast<uint32_t>(clock_.monotonic_ns() / 1'000'000'000);
  if (!flushing_ && active_->samples() > 0) {
    flushing_ = std::move(active_);
    active_ = std::make_unique<SampleBuffers>();
    active_since_ns_ = 0;
    std::vector<std::pair<uint64_t, uint64_t>> ends = journal_->file_ends();
    if (!ends.empty()) flushing_until_ = *std::max_element(ends.begin(), ends.end());
    flushing_unlogged_ = std::move(unlogged_);
    unlogged_.clear();
  }
  swapped_.notify_all();
}

void MetricStore::run_work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Result<bool> worked = work_once();
    if (worked.ok() && *worked) continue;
    base::MutexLock lock(mutex_);
    if (!closed_) wake_work_.wait_for(mutex_, kWorkWait);
  }
}

void MetricStore::close() {
  {
    base::MutexLock lock(mutex_);
    if (closed_ && !commit_thread_.joinable()) return;
    closed_ = true;
  }
  wake_work_.notify_all();
  if (work_thread_.joinable()) {
    work_thread_.request_stop();
    work_thread_.join();
  }
  if (commit_thread_.joinable()) {
    commit_thread_.request_stop();
    wake_commits_.notify_all();
    commit_thread_.join();
  }
  if (journal_) commit_pending();
}

uint64_t MetricStore::series_count() const {
  base::MutexLock lock(mutex_);
  return index_.size();
}

MetricStoreStats MetricStore::stats() const {
  MetricStoreStats stats;
  stats.journal_bytes = journal_->bytes();
  base::MutexLock lock(mutex_);
  stats.series = index_.size();
  stats.buffered_samples = active_->samples() + (flushing_ ? flushing_->samples() : 0);
  stats.buffer_bytes = active_->memory_bytes() + (flushing_ ? flushing_->memory_bytes() : 0);
  stats.index_bytes = index_.memory_bytes() + newest_.capacity() * 20 + defined_.capacity() / 8;
  stats.parts = parts_.size();
  for (const auto& [entry, part] : parts_) {
    stats.part_samples += part->footer().samples;
    stats.part_bytes += part->file_bytes();
  }
  stats.tombstones = tombstones_->size();
  stats.forgotten = forgotten_;
  stats.damaged = damaged_;
  stats.newest_millis = newest_millis_;
  return stats;
}

namespace {

std::vector<SeriesIndex::Count> first(std::vector<SeriesIndex::Count> counts, size_t most) {
  if (counts.size() > most) counts.resize(most);
  return counts;
}

}  // namespace

std::vector<SeriesIndex::Count> MetricStore::series_by_metric(size_t most) const {
  base::MutexLock lock(mutex_);
  return first(index_.series_by_metric(), most);
}
std::vector<SeriesIndex::Count> MetricStore::values_by_label(size_t most) const {
  base::MutexLock lock(mutex_);
  return first(index_.values_by_label(), most);
}
std::vector<SeriesIndex::Count> MetricStore::series_by_pair(size_t most) const {
  base::MutexLock lock(mutex_);
  return first(index_.series_by_pair(), most);
}

}  // namespace clew::metricstore
