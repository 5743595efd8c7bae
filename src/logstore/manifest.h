// The manifest: which segments make up the store, what is deleted, and the settings of datasets
// (docs/formats/manifest.md). An append-only log of edits, kept twice.
//
// Invariants:
//   M1. A segment is named only after its file and name are durable.
//   M2. append() answers ok only when both copies are on disk. After an error the edit is void for ever, but for
//       kUnavailable: then its fate is open until the next append() that is ok, which makes it void, or the next
//       open(), which may find it. Files that it names stay meanwhile.
//   M3. open() gives the state of all edits that at least one copy holds whole.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "logstore/interval_set.h"
#include "model/value.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::logstore {

constexpr uint32_t kStoreVersion = 1;       // the newest that this build writes and reads
constexpr uint32_t kStoreOldestReader = 1;  // the oldest build that reads a store of kStoreVersion
constexpr uint64_t kEditBytesMax = uint64_t{1} << 30;

struct SegmentMeta {
  uint64_t id = 0;
  std::string tenant;
  std::string dataset;
  std::string retention_class;
  int64_t day = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  int64_t time_min = 0;
  int64_t time_max = 0;
  uint64_t seq_min = 0;
  uint64_t seq_max = 0;
  int64_t stored_time = 0;  // of its youngest commit
  uint32_t rewrites = 0;    // times its rows were rewritten since the journal
  friend bool operator==(const SegmentMeta&, const SegmentMeta&) = default;
};

// Rows taken out of one row group, as runs of (row, count), rising.
using RowRuns = std::vector<std::pair<uint32_t, uint32_t>>;
struct SegmentDeletes {
  std::map<uint32_t, RowRuns> row_groups;
  int64_t since = 0;  // when the first of them was asked for; bytes go within a day
  friend bool operator==(const SegmentDeletes&, const SegmentDeletes&) = default;
};

struct RetentionRule {
  uint32_t hot_days = 30;
  uint32_t total_days = 365;
  uint64_t bytes_max = 0;  // 0: no limit
  friend bool operator==(const RetentionRule&, const RetentionRule&) = default;
};

// A rule below the dataset's: for events whose `field` is `value` when they come (retention_class.h).
struct ClassRule {
  std::string name;
  std::string field;
  std::string value;
  RetentionRule rule;
  friend bool operator==(const ClassRule&, const ClassRule&) = default;
};

struct DatasetKey {
  std::string tenant;
  std::string dataset;
  friend auto operator<=>(const DatasetKey&, const DatasetKey&) = default;
};

struct DatasetSettings {
  std::vector<std::pair<std::string, model::Type>> declared_types;
  std::optional<RetentionRule> retention;  // none: the store's default
  bool held = false;                       // legal hold: neither deletes nor retention touch it
  std::vector<ClassRule> classes;          // at most kClassRulesMax
  friend bool operator==(const DatasetSettings&, const DatasetSettings&) = default;
};

struct ManifestState {
  uint64_t store_id = 0;
  uint64_t next_segment = 1;
  uint64_t next_seq = 1;  // every _seq below it may have been given out
  IntervalSet flushed;    // _seqs whose journal rows count no more: in segments, or gone for good
  IntervalSet deleted;    // _seqs deleted while still in the journal
  std::map<uint64_t, SegmentMeta> segments;
  std::map<uint64_t, SegmentDeletes> deletes;  // by segment
  std::map<DatasetKey, DatasetSettings> settings;
  friend bool operator==(const ManifestState&, const ManifestState&) = default;
};

// Of a store's format. A store keeps the one it was made with, whichever newer build writes to it, until upgrade().
struct StoreVersion {
  uint32_t writer = kStoreVersion;
  uint32_t oldest_reader = kStoreOldestReader;  // a build of a lower version refuses the store
  friend bool operator==(const StoreVersion&, const StoreVersion&) = default;
};

// Changes that hold together: all or none.
struct Edit {
  std::optional<uint64_t> store_id;
  uint64_t next_segment = 0;  // raises it when greater
  uint64_t next_seq = 0;
  std::vector<SegmentMeta> added;
  std::vector<uint64_t> removed;  // its deletes go with it
  std::vector<std::pair<uint64_t, uint64_t>> flushed;
  std::vector<std::pair<uint64_t, uint64_t>> deleted;
  uint64_t seq_floor = 0;  // flushed and deleted ranges below it are forgotten: no journal file holds them
  std::vector<std::pair<uint64_t, SegmentDeletes>> deletes;  // replaces those of the segment
  std::vector<std::pair<DatasetKey, DatasetSettings>> settings;
};

std::string encode_edit(const Edit& edit);
// Errors: kCorrupt, kUnsupported.
Result<Edit> decode_edit(std::string_view bytes);
void apply_edit(const Edit& edit, ManifestState& state);
// The edit that makes `state` from nothing.
Edit edit_of(const ManifestState& state);

// Threads:  one at a time.
// Lifetime: disk outlives it.
class Manifest {
 public:
  // Makes a new one of version `build` where there is none; refuses one that needs a newer reader.
  // Errors: kCorrupt when an edit is damaged in both copies; kUnsupported; kIo; kFull.
  static Result<std::unique_ptr<Manifest>> open(os::Disk& disk, os::Rng& rng, std::string dir, StoreVersion build = {});
  // The state without opening for writing. Errors: as open, and kNotFound.
  static Result<ManifestState> read(os::Disk& disk, const std::string& dir);

  const ManifestState& state() const { return state_; }
  // What the store is written in; what upgrade() would make of it is the build's.
  StoreVersion version() const { return version_; }
  // From now on the store is written in the build's version; older builds that do not read it refuse it.
  // Errors: kIo, kFull: the version is as it was, or the new one; version() of the next open() tells.
  Status upgrade();
  // True when open() made the first one.
  bool is_new() const { return is_new_; }
  // Errors: kFull and kIo: the edit is void; kUnavailable: see M2.
  Status append(const Edit& edit);
  // Why the last edit could not be written, while that lasts.
  Status health() const;

 private:
  Manifest(os::Disk& disk, std::string dir, StoreVersion build)
      : disk_(disk), dir_(std::move(dir)), build_(build), version_(build) {}
  Status begin_generation();
  Status append_to_copies(const Edit& edit);

  os::Disk& disk_;
  const std::string dir_;
  const StoreVersion build_;
  StoreVersion version_;
  ManifestState state_;
  bool is_new_ = false;
  uint64_t generation_ = 0;
  uint64_t edits_ = 0;      // in this generation
  uint64_t end_ = 0;        // offset of the next edit, the same in both copies
  uint64_t first_end_ = 0;  // after the first edit, the whole state
  std::unique_ptr<os::File> copies_[2];
  bool pending_generation_ = false;  // the files at hand must not be appended to
};

// A manifest file as text, for `clew inspect`.
std::string describe_manifest(const os::File& file);

}  // namespace clew::logstore
