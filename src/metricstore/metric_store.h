// MetricStore: time series on this machine's disk (docs/formats/metric-store.md).
//
// A write is journaled and synced, then its samples stand in memory and are seen by the next query, then it is
// answered. In the background samples in memory become parts, parts of a day become fewer, and old ones go.
//
// Invariants:
//   T1. A sample that was answered as stored is found by every later query until retention takes it, also after a
//   crash. T2. Of samples of a series with the same time queries give one: the first that was stored. T3. A file of the
//   journal is removed only when everything in it lies in parts that the manifest names.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/metric_sink.h"
#include "contract/metric_source.h"
#include "journal/journal.h"
#include "metricstore/part.h"
#include "metricstore/sample_buffers.h"
#include "metricstore/series_index.h"
#include "metricstore/store_files.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::metricstore {

// How long the samples of some series are kept.
struct MetricRetention {
  std::vector<contract::LabelMatcher> matchers;
  int64_t millis = 0;
};

struct MetricStoreOptions {
  std::string dir;
  bool background = true;  // threads of its own; without, write() commits on the caller's and work_once() does the rest
  uint64_t buffer_bytes_max = 64u << 20;    // samples in memory become a part then,
  uint64_t flush_after_millis = 600'000;    // or when the oldest has waited so long
  uint64_t pending_bytes_max = 64u << 20;   // of writes that wait for the disk
  int64_t out_of_order_millis = 3'600'000;  // how far behind its series' newest a sample may come
  int64_t ahead_millis = 86'400'000;        // how far ahead of the clock
  uint64_t series_max = 10'000'000;
  uint64_t series_per_metric_max = 0;  // 0: no other limit than series_max
  uint64_t values_per_label_max = 0;   // of one label's name; 0: no limit
  uint32_t labels_max = 128;           // of one series
  uint32_t exemplars_max = 100'000;    // in memory, the oldest go
  int64_t retention_millis = 365LL * 86'400'000;
  std::vector<MetricRetention> retention;   // of series that match; the first that matches holds, also beyond the other
  uint64_t retention_bytes_max = 0;         // of parts; the oldest go. 0: no limit
  int64_t forget_after_millis = 3'600'000;  // a series without samples anywhere, since its last write
  uint64_t cache_bytes = 64u << 20;         // of unpacked groups
  journal::JournalOptions journal;
};

// What stands behind /api/v1/status/tsdb.
struct MetricStoreStats {
  uint64_t series = 0;
  uint64_t buffered_samples = 0;
  uint64_t parts = 0;
  uint64_t part_samples = 0;
  uint64_t part_bytes = 0;
  uint64_t journal_bytes = 0;
  uint64_t index_bytes = 0;   // in memory
  uint64_t buffer_bytes = 0;  // in memory
  uint64_t forgotten = 0;     // series since the start
  uint64_t tombstones = 0;    // deletes whose samples lie in parts still
  uint64_t damaged = 0;       // records, frames and parts that could not be read at start
  int64_t newest_millis = INT64_MIN;
};

// Threads:  all functions on any thread.
// Lifetime: disk, clock, rng and metrics outlive it.
class MetricStore final : public contract::MetricSink, public contract::MetricSource {
 public:
  // Errors: kExists when another process has the directory; kCorrupt for a manifest that cannot be read; kUnsupported
  // for a newer store; kIo, kFull.
  static Result<std::unique_ptr<MetricStore>> open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                   base::Registry& metrics, MetricStoreOptions options);
  ~MetricStore() override;

  void write(const contract::Access& access, const model::MetricBatch& batch, Done done) override;

  Result<std::unique_ptr<contract::SeriesSet>> select(const contract::MetricScan& scan) const override;
  Result<std::vector<std::string>> label_names(const contract::MetricScan& scan) const override;
  Result<std::vector<std::string>> label_values(const contract::MetricScan& scan,
                                                std::string_view label) const override;
  Result<std::vector<contract::SeriesExemplars>> exemplars(const contract::MetricScan& scan) const override;
  Result<std::map<std::string, model::MetricMetadata>> metadata(const contract::Access& access) const override;

  // Is given what is stored, a group of writes at a time, before they are answered; on the thread that commits.
  using Follower = std::function<void(std::span<const model::MetricBatch* const>)>;
  // Requires: nobody writes yet.
  void follow(Follower follower) { follower_ = std::move(follower); }

  // Makes parts of what is in memory now. Errors: kFull, kIo; the samples stay in memory and in the journal.
  Status flush();
  // Flushes, merges and removes what is due. True when something was done.
  Result<bool> work_once();
  // Takes no more writes, answers those that wait.
  void close();

  // Deletes what was stored before the call of all series that match, within the range, both ends included: no later
  // query finds it, also after a crash. Its bytes go when parts are written anew. Gives how many series matched.
  // Errors: kInvalid for a regular expression that is none; kFull, kIo: perhaps deleted.
  Result<uint64_t> delete_series(const std::vector<contract::LabelMatcher>& matchers, int64_t from_millis,
                                 int64_t to_millis);
  // Writes parts anew until nothing that was deleted is in any. Errors: kFull, kIo, kCorrupt.
  Status clean_tombstones();
  // Flushes and makes one part of each day's. Errors: as clean_tombstones.
  Status compact();
  // Copies the store, as it is at one moment, into a directory that is empty or not there; writes go on.
  // Errors: kExists when it is not empty; kFull, kIo.
  Status snapshot_to(const std::string& to);

  MetricStoreStats stats() const;
  const std::string& dir() const { return options_.dir; }
  uint64_t series_count() const;  // the same as stats().series, at no cost
  // What makes many series, the greatest first.
  std::vector<SeriesIndex::Count> series_by_metric(size_t most) const;
  std::vector<SeriesIndex::Count> values_by_label(size_t most) const;
  std::vector<SeriesIndex::Count> series_by_pair(size_t most) const;

 private:
  struct Pending {
    std::string record;
    std::vector<SeriesId> ids;
    std::vector<std::pair<SeriesId, model::Labels>> defined;
    model::MetricBatch batch;
    contract::MetricAck ack;
    Done done;
  };
  using PartList = std::vector<std::pair<PartEntry, PartPtr>>;
  class Set;

  MetricStore(os::Disk& disk, const os::Clock& clock, os::Rng& rng, base::Registry& metrics,
              MetricStoreOptions options);
  Status recover();
  Status read_series_log();
  Status replay(journal::RecoveredRecord&& record);
  void resolve(Pending& write) CLEW_REQUIRES(mutex_);
  void apply(Pending& write) CLEW_REQUIRES(mutex_);
  void apply_sample(SeriesId series, const model::Sample& sample, int64_t start, contract::MetricAck& ack)
      CLEW_REQUIRES(mutex_);
  bool admit(SeriesId series, int64_t millis, double value, contract::MetricAck& ack) CLEW_REQUIRES(mutex_);
  void keep_exemplars(const Pending& write, size_t series) CLEW_REQUIRES(mutex_);
  std::optional<std::string> refusal_of(model::LabelsView labels, contract::MetricAck& ack, uint64_t samples) const
      CLEW_REQUIRES(mutex_);
  SeriesId add_series(model::LabelsView labels) CLEW_REQUIRES(mutex_);
  void add_series_at(SeriesId series, model::LabelsView labels) CLEW_REQUIRES(mutex_);
  void note_added(SeriesId series) CLEW_REQUIRES(mutex_);
  std::string text_of(SeriesId series) const CLEW_REQUIRES(mutex_);

  void commit_group(std::vector<Pending>& group);
  void commit_pending();
  void run_commits(const std::stop_token& stop);
  void run_work(const std::stop_token& stop);
  void swap_buffers() CLEW_REQUIRES(mutex_);

  bool flush_due() const;
  Status flush_locked();
  Status flush_swapped();
  Result<PartList> write_parts(const SampleBuffers& buffers);
  Result<bool> merge_once();
  Result<bool> merge_day();
  Status replace_parts(const PartList& parts);
  Result<std::optional<std::pair<PartEntry, PartPtr>>> merge_parts(const PartList& parts);
  Result<bool> clean_once();
  Result<bool> remove_old();
  Result<bool> remove_by_rules();
  Result<bool> remove_beyond_bytes();
  Result<bool> forget_series();
  Status rewrite_series_log();
  using Edit = std::function<void(MetricManifest&)>;
  Status commit_parts(const PartList& added, const std::vector<uint64_t>& removed, const Edit& edit = {});
  void remove_files(const std::vector<uint64_t>& numbers);
  Result<PartPtr> open_part(uint64_t number);
  uint64_t next_part();

  os::Disk& disk_;
  const os::Clock& clock_;
  os::Rng& rng_;
  const MetricStoreOptions options_;
  Follower follower_;
  std::unique_ptr<os::DirLock> lock_;
  mutable GroupCache cache_;
  std::unique_ptr<journal::Journal> journal_;

  mutable base::Mutex mutex_;
  SeriesIndex index_ CLEW_GUARDED_BY(mutex_);
  // By series.
  std::vector<int64_t> newest_ CLEW_GUARDED_BY(mutex_);
  std::vector<double> newest_values_ CLEW_GUARDED_BY(mutex_);
  std::vector<bool> defined_ CLEW_GUARDED_BY(mutex_);              // a durable record or the series log says what it is
  std::vector<uint32_t> written_seconds_ CLEW_GUARDED_BY(mutex_);  // when a write named it last, of the monotonic clock
  std::vector<SeriesId> unlogged_ CLEW_GUARDED_BY(mutex_);         // the series log does not have them
  std::unique_ptr<SampleBuffers> active_ CLEW_GUARDED_BY(mutex_);
  std::shared_ptr<const SampleBuffers> flushing_ CLEW_GUARDED_BY(mutex_);
  uint64_t active_since_ns_ CLEW_GUARDED_BY(mutex_) = 0;  // when the oldest sample of active_ came; 0 when it is empty
  // File and offset: what lies before in the journal is in flushing_ or parts.
  std::pair<uint64_t, uint64_t> flushing_until_ CLEW_GUARDED_BY(mutex_);
  std::vector<SeriesId> flushing_unlogged_ CLEW_GUARDED_BY(mutex_);  // of unlogged_ when it was swapped
  PartList parts_ CLEW_GUARDED_BY(mutex_);
  std::shared_ptr<const Tombstones> tombstones_ CLEW_GUARDED_BY(mutex_) = std::make_shared<const Tombstones>();
  std::map<std::string, model::MetricMetadata, std::less<>> metadata_ CLEW_GUARDED_BY(mutex_);
  std::map<std::string, model::MetricMetadata, std::less<>> new_metadata_
      CLEW_GUARDED_BY(mutex_);  // not in the log yet
  std::deque<std::pair<SeriesId, model::Exemplar>> exemplars_ CLEW_GUARDED_BY(mutex_);
  std::vector<Pending> pending_ CLEW_GUARDED_BY(mutex_);
  uint64_t pending_bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  uint32_t swapped_seconds_ CLEW_GUARDED_BY(mutex_) = 0;  // when buffers were swapped last, of the monotonic clock
  uint64_t forgotten_ CLEW_GUARDED_BY(mutex_) = 0;
  bool swap_wanted_ CLEW_GUARDED_BY(mutex_) = false;
  bool closed_ CLEW_GUARDED_BY(mutex_) = false;
  int64_t newest_millis_ CLEW_GUARDED_BY(mutex_) = INT64_MIN;
  int64_t latest_millis_ CLEW_GUARDED_BY(mutex_) = 0;  // that a sample of the record being applied may be of
  base::CondVar wake_commits_;
  base::CondVar wake_work_;
  base::CondVar swapped_;

  base::Mutex work_mutex_;  // one flush, merge or removal at a time; before mutex_
  MetricManifest manifest_ CLEW_GUARDED_BY(work_mutex_);
  std::unique_ptr<SeriesLog> series_log_ CLEW_GUARDED_BY(work_mutex_);
  size_t logged_series_ CLEW_GUARDED_BY(work_mutex_) = 0;       // ids below that the log gave at the start
  uint64_t rules_applied_ns_ CLEW_GUARDED_BY(work_mutex_) = 0;  // of the monotonic clock; 0 not yet
  uint64_t forgot_ns_ CLEW_GUARDED_BY(work_mutex_) = 0;
  uint64_t log_entries_ CLEW_GUARDED_BY(work_mutex_) = 0;  // in the series log, of series that are forgotten too
  // While the journal is replayed: ids of a run to those of now.
  std::map<std::pair<uint64_t, SeriesId>, SeriesId> replayed_;
  const std::string record_meta_;
  uint64_t damaged_ = 0;

  base::Counter& stored_;
  base::Counter& same_;
  base::Counter& refused_duplicate_;
  base::Counter& refused_old_;
  base::Counter& refused_ahead_;
  base::Counter& refused_labels_;
  base::Counter& refused_limit_;
  std::jthread commit_thread_;
  std::jthread work_thread_;
};

// Makes a store in `to` from what snapshot_to() wrote; nothing when `from` has no metrics.
// Errors: kExists when `to` is there and not empty; kFull, kIo.
Status restore_metric_store(os::Disk& disk, const std::string& from, const std::string& to);

// What `clew inspect` and `clew verify` say of a store that no process has open.
struct MetricStoreReport {
  std::string text;
  std::vector<std::string> findings;  // damage
};
// Reads every part and checks every checksum, count and order. Errors: kNotFound without a manifest; kCorrupt;
// kUnsupported; kIo.
Result<MetricStoreReport> examine_metric_store(os::Disk& disk, const std::string& dir);
// One file of a store: a part, a series log, a manifest. Errors: kCorrupt, kUnsupported, kIo; kInvalid for another
// file.
Result<std::string> describe_metric_file(os::Disk& disk, const std::string& path);

}  // namespace clew::metricstore
