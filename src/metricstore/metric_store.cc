// Opening, writing, committing.
#include "metricstore/metric_store.h"

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
  CLEW_TRY(series_log_->read(
      [this](SeriesLog::Entries&& entries) {
        for (const auto& [id, labels] : entries.series) {
          // Ids of a damaged frame stay free of labels, so that those of later ones are right.
          while (index_.size() < id) add_series(model::Labels::of({{"__lost__", std::to_string(index_.size())}}));
          if (index_.size() == id && !index_.find(labels)) add_series(labels);
        }
        for (auto& [metric, told] : entries.metadata) metadata_.insert_or_assign(metric, std::move(told));
      },
      damaged_));
  logged_series_ = index_.size();
  std::fill(defined_.begin(), defined_.end(), true);
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
  for (const os::DirEntry& file : files) {
    if (!file.name.ends_with(".mpart")) continue;
    uint64_t number = std::strtoull(file.name.c_str(), nullptr, 10);
    bool named = std::any_of(manifest_.parts.begin(), manifest_.parts.end(),
                             [&](const PartEntry& entry) { return entry.number == number; });
    manifest_.next_part = std::max(manifest_.next_part, number + 1);
    if (!named) CLEW_TRY(disk_.remove(options_.dir + "/" + file.name));
  }
  journal::RecoveryReport report;
  journal_ = CLEW_TRY(journal::Journal::open(
      disk_, rng_, options_.dir + "/journal", options_.journal,
      [this](journal::RecoveredRecord&& record) { return replay(std::move(record)); }, report));
  damaged_ += report.damaged_records + report.damaged_files;
  replayed_.clear();
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
    bool logged = id < logged_series_;
    if (now == replayed_.end() && !logged) ++damaged_;
    write.ids.push_back(now != replayed_.end() ? now->second : logged ? id : kNoSeries);
  }
  apply(write);
  return {};
}

SeriesId MetricStore::add_series(model::LabelsView labels) {
  SeriesId series = index_.add(labels);
  newest_.push_back(INT64_MIN);
  newest_values_.push_back(0);
  defined_.push_back(false);
  return series;
}

std::string MetricStore::text_of(SeriesId series) const {
  std::string packed;
  index_.append_labels(series, packed);
  return model::to_text(model::LabelsView(packed));
}

// Gives each series of the batch its id; new ones are added. What cannot be is counted.
void MetricStore::resolve(Pending& write) {
  for (const model::MetricBatch::Series& series : write.batch.series()) {
    model::LabelsView labels = write.batch.labels_of(series);
    uint64_t samples = series.samples_end - series.samples_begin + series.histograms_end - series.histograms_begin;
    auto refuse = [&](uint64_t& count, const std::string& why) {
      count += samples;
      if (write.ack.first_refused.empty()) write.ack.first_refused = model::to_text(labels) + ": " + why;
      write.ids.push_back(kNoSeries);
    };
    std::optional<SeriesId> known = index_.find(labels);
    if (!known) {
      if (labels.metric_name().empty()) {
        refuse(write.ack.bad_labels, "no metric name");
        continue;
      }
      if (labels.size() > options_.labels_max) {
        refuse(write.ack.bad_labels, "more than " + std::to_string(options_.labels_max) + " labels");
        continue;
      }
      if (index_.size() >= options_.series_max) {
        refuse(write.ack.over_limit, "there are " + std::to_string(index_.size()) + " series, which is the limit");
        continue;
      }
      known = add_series(labels);
    }
    write.ids.push_back(*known);
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
  if (!flushing_ && active_->samples() > 0) {
    flushing_ = std::move(active_);
    active_ = std::make_unique<SampleBuffers>();
    active_since_ns_ = 0;
    flushing_before_file_ = journal_->current_file();
    flushing_series_ = index_.size();
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
  stats.index_bytes = index_.memory_bytes() + newest_.capacity() * 16 + defined_.capacity() / 8;
  stats.parts = parts_.size();
  for (const auto& [entry, part] : parts_) {
    stats.part_samples += part->footer().samples;
    stats.part_bytes += part->file_bytes();
  }
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
