// The catalog: what the store holds at this moment, in memory. Commits add parts, flushes swap parts for segments,
// queries take what they need and keep it alive.
//
// Invariants:
//   C1. A row is in exactly one entry: a part until the edit that names its segment is durable, then the segment.
//   C2. All changes that belong together happen under one lock, so a snapshot sees all of them or none.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "columnar/part.h"
#include "columnar/row_source.h"
#include "columnar/segment.h"
#include "contract/event_feed.h"
#include "contract/event_source.h"
#include "logstore/manifest.h"
#include "logstore/store_options.h"

namespace clew::logstore {

// One part of the journal.
struct PartEntry {
  columnar::RowSourcePtr source;
  columnar::CommitRange commit;  // of exactly its rows
  uint64_t bytes = 0;
  uint64_t file_number = 0;        // of the journal
  columnar::DeletedRows deleted;   // replaced under the catalog's lock
  bool busy = false;               // a flush works on it
  std::atomic<bool> stuck{false};  // cannot be read whole, so it stays in the journal

  uint64_t first_seq() const { return commit.first_seq.get(); }
  uint64_t end_seq() const { return first_seq() + commit.rows; }
};
using PartPtr = std::shared_ptr<PartEntry>;

struct SegmentEntry {
  SegmentMeta meta;
  std::shared_ptr<const columnar::SegmentReader> reader;  // null: quarantined
  std::vector<columnar::DeletedRows> deleted;             // by row group; empty when none
  bool busy = false;
  std::atomic<bool> stuck{false};  // a block cannot be read, so it is not merged
};
using SegmentPtr = std::shared_ptr<SegmentEntry>;

// Names and types of all fields that a dataset was seen to have: of what the start found and of what came since. Merges
// bring nothing new, and a field whose last event has gone stays until the next start.
class FieldCatalogue {
 public:
  // Cost: a hash per column when the same columns came before.
  void note(const model::Batch& batch, int64_t time_min, int64_t time_max);
  // Fields in `_rest`. Cost: a look-up per name.
  void note(const std::vector<columnar::RestName>& names, int64_t time_min, int64_t time_max);
  void note(const contract::FieldInfo& field);
  std::vector<contract::FieldInfo> list() const;
  // Grows with every name, and every type of a name, that was not there before.
  uint64_t changes() const { return changes_; }

 private:
  struct Known {
    int64_t first_seen = 0;
    int64_t last_seen = 0;
    uint32_t types = 0;  // bit t: model::Type t
    model::Origins origins = 0;
    model::Type first_type = model::Type::kNull;
    // True when the type is new.
    bool note(model::Type type);
  };
  // Null when there are too many names.
  Known* find_or_add(std::string_view name, int64_t time_min, int64_t time_max);

  std::map<std::string, Known, std::less<>> fields_;
  std::set<uint64_t> shapes_;
  uint64_t changes_ = 0;
};

struct DatasetState {
  std::vector<PartPtr> parts;        // by first_seq
  std::vector<SegmentPtr> segments;  // by id
  FieldCatalogue fields;
  uint64_t part_rows = 0;
  uint64_t part_bytes = 0;
};

// A flush: parts of one dataset, marked busy.
struct FlushJob {
  DatasetKey key;
  std::vector<PartPtr> parts;
};
// A merge or rewrite: segments of one dataset, day and retention class, marked busy.
struct MergeJob {
  DatasetKey key;
  std::vector<SegmentPtr> segments;
};

struct JournalUse {
  uint32_t live_parts = 0;
  uint64_t min_seq = UINT64_MAX;
};

struct Totals {
  uint64_t parts = 0;
  uint64_t part_rows = 0;
  uint64_t part_bytes = 0;
  uint64_t segments = 0;
  uint64_t quarantined = 0;
};

// Threads: all functions on any thread.
class Catalog {
 public:
  explicit Catalog(const StoreOptions& options) : options_(options) {}

  // Makes the parts of one group commit visible; `up_to` is the last _seq of it.
  void publish(std::vector<std::pair<DatasetKey, PartPtr>> parts, uint64_t up_to);
  void add_segment(SegmentPtr segment);
  // Swaps what a job read for what it wrote. Gives the numbers of journal files that hold no live part any more.
  void replace_parts(const FlushJob& job, const std::vector<SegmentPtr>& segments);
  void replace_segments(const MergeJob& job, const std::vector<SegmentPtr>& segments);
  // The job came to nothing.
  void release(const FlushJob& job);
  void release(const MergeJob& job);
  void remove_segments(const std::vector<uint64_t>& ids);
  // Those of `ids` that nobody works on, now marked busy.
  std::vector<uint64_t> mark_busy(const std::vector<uint64_t>& ids);
  void clear_busy(const std::vector<uint64_t>& ids);

  // The flush that is due most, if one is. `everything`: whatever there is.
  std::optional<FlushJob> pick_flush(int64_t now, uint64_t journal_bytes, bool everything);
  std::optional<MergeJob> pick_merge(int64_t now, bool everything);
  // True when one of the two above would give a job by the policy. Marks nothing.
  bool is_work_due(int64_t now, uint64_t journal_bytes) const;
  // Segments with deleted rows whose bytes are due to go.
  std::optional<MergeJob> pick_rewrite(int64_t now, bool everything, const std::map<uint64_t, SegmentDeletes>& deletes);

  // Journal files without live parts, but not `current`; and the least _seq that the remaining ones hold.
  std::vector<uint64_t> unused_journal_files(uint64_t current) const;
  void note_journal_file(uint64_t number, uint64_t first_seq);
  void forget_journal_file(uint64_t number);
  uint64_t journal_seq_floor() const;

  struct View {
    uint64_t up_to = 0;
    struct Part {
      columnar::RowSourcePtr source;
      columnar::DeletedRows deleted;
      PartPtr entry;
    };
    struct Segment {
      std::shared_ptr<const columnar::SegmentReader> reader;
      std::vector<columnar::DeletedRows> deleted;
      SegmentMeta meta;
      SegmentPtr entry;
    };
    std::vector<Part> parts;
    std::vector<Segment> segments;
  };
  // Everything of these datasets (all when empty) that overlaps the range.
  View view(const std::string& tenant, const std::vector<std::string>& datasets, contract::TimeRange range) const;
  // Everything of these datasets (all when empty) that may hold a _seq of the range.
  View view_of_seqs(const std::string& tenant, const std::vector<std::string>& datasets,
                    contract::SeqRange range) const;
  // Gives rows of parts and segments new delete marks, all at once.
  void set_deleted(const std::vector<std::pair<PartPtr, columnar::DeletedRows>>& parts,
                   const std::vector<std::pair<SegmentPtr, std::vector<columnar::DeletedRows>>>& segments);

  // Fields of a batch that is being written, those in its `_rest` apart; and of rows found at start.
  void note_fields(const DatasetKey& key, const model::Batch& batch, const std::vector<columnar::RestName>& rest,
                   int64_t time_min, int64_t time_max);
  void note_fields(const DatasetKey& key, const std::vector<contract::FieldInfo>& fields);
  // Errors: kNotFound.
  Result<std::vector<contract::FieldInfo>> fields(const DatasetKey& key) const;
  std::vector<contract::DatasetInfo> datasets(const std::string& tenant) const;
  // Grows when there is a dataset, a field or a type of a field that was not there before, or by note_settings().
  uint64_t names_version() const { return names_version_.load(std::memory_order_acquire); }
  void note_settings() { names_version_.fetch_add(1, std::memory_order_acq_rel); }
  // True when the dataset is there or may still be made.
  bool admits(const DatasetKey& key) const;
  std::vector<SegmentPtr> all_segments() const;
  std::vector<std::pair<DatasetKey, PartPtr>> all_parts() const;
  uint64_t up_to() const;
  Totals totals() const;

 private:
  void drop_part_use(const PartEntry& part) CLEW_REQUIRES(mutex_);
  // Calls take(dataset) for each of the datasets, all of the tenant when none is named.
  template <class Take>
  void each_dataset(const std::string& tenant, const std::vector<std::string>& datasets, Take take) const
      CLEW_REQUIRES(mutex_);
  std::optional<FlushJob> choose_flush(int64_t now, uint64_t journal_bytes, bool everything) const
      CLEW_REQUIRES(mutex_);
  std::optional<MergeJob> choose_merge_job(int64_t now, bool everything) const CLEW_REQUIRES(mutex_);
  static std::vector<SegmentPtr> mergeable(const DatasetState& dataset, int64_t day,
                                           const std::string& retention_class);
  std::vector<SegmentPtr> choose_merge(std::vector<SegmentPtr> segments, int64_t now, bool everything) const;

  const StoreOptions options_;
  std::atomic<uint64_t> names_version_{0};
  mutable base::Mutex mutex_;
  std::map<DatasetKey, DatasetState> datasets_ CLEW_GUARDED_BY(mutex_);
  std::map<uint64_t, JournalUse> journal_files_ CLEW_GUARDED_BY(mutex_);
  uint64_t up_to_ CLEW_GUARDED_BY(mutex_) = 0;
};

}  // namespace clew::logstore
