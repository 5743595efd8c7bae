// The parts of an open store that its functions share; inside logstore/ only.
//
// Lock order: manifest_mutex, then what Catalog, Journal and Dedupe hold inside. manifest_mutex is held while an edit
// is written: edits must reach the disk in the order in which they take effect, and only background work and rare
// administration append them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "journal/journal.h"
#include "logstore/catalog.h"
#include "logstore/created_ids.h"
#include "logstore/dedupe.h"
#include "logstore/log_store.h"
#include "logstore/manifest.h"
#include "logstore/store_feed.h"
#include "logstore/store_metrics.h"
#include "logstore/store_options.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::logstore {

struct Engine {
  Engine(os::Disk& d, os::Clock& c, os::Rng& r, std::string directory, const StoreOptions& o, base::Registry& registry)
      : disk(d),
        clock(c),
        rng(r),
        dir(std::move(directory)),
        options(o),
        metrics(registry),
        catalog(o),
        feed(catalog),
        dedupe(o.dedupe_keys_max, metrics.dedupe_evicted),
        created_ids(o.created_ids_max) {}

  std::string journal_dir() const { return dir + "/journal"; }
  std::string tenants_dir() const { return dir + "/tenants"; }
  // Directory of a tenant's segments: a hash, so that no name of a client becomes a path.
  std::string segment_dir(const std::string& tenant) const;
  std::string segment_path(const SegmentMeta& segment) const;
  int64_t now() const { return clock.now().get(); }

  // kFull under the reserve; asks the disk at most every kSpaceCheckNs.
  Status check_space();
  // Appends an edit and, once it is durable, calls `then`, before any other edit.
  Status append_edit(const Edit& edit, const std::function<void()>& then) CLEW_EXCLUDES(manifest_mutex);
  ManifestState manifest_state() const CLEW_EXCLUDES(manifest_mutex);
  StoreVersion store_version() const CLEW_EXCLUDES(manifest_mutex);
  std::map<uint64_t, SegmentDeletes> segment_deletes() const CLEW_EXCLUDES(manifest_mutex);
  Status manifest_health() const CLEW_EXCLUDES(manifest_mutex);
  DatasetSettings settings_of(const DatasetKey& key) const CLEW_EXCLUDES(manifest_mutex);
  // A segment's number for this process's work; files of numbers that no edit names are orphans.
  uint64_t take_segment_id() { return next_segment.fetch_add(1); }
  // kCancelled once the store is closing: long jobs ask between row groups and give up.
  Status check_open() const;

  os::Disk& disk;
  os::Clock& clock;
  os::Rng& rng;
  const std::string dir;
  const StoreOptions options;
  StoreMetrics metrics;
  std::unique_ptr<os::DirLock> lock;
  Catalog catalog;
  StoreFeed feed;
  Dedupe dedupe;
  CreatedIds created_ids;
  std::unique_ptr<journal::Journal> journal;
  mutable base::Mutex manifest_mutex;
  std::unique_ptr<Manifest> manifest CLEW_GUARDED_BY(manifest_mutex);
  std::string own_producer;  // of writes without a key
  uint64_t first_free_seq = 1;
  std::atomic<uint64_t> next_segment{1};
  std::atomic<bool> has_deletes{false};  // any segment has deleted rows
  std::atomic<bool> closing{false};
  Recovered recovered;

 private:
  std::atomic<uint64_t> space_checked_ns_{0};
  std::atomic<bool> space_ok_{true};
};

// Opens what is in the directory (recovery.cc).
Status recover(Engine& engine);
// Flush, merge and rewrite jobs (flush.cc, merge.cc). On error the job's inputs are free again.
Status run_flush(Engine& engine, FlushJob& job);
Status run_merge(Engine& engine, MergeJob& job);
// What retention takes at `now`, oldest first.
std::vector<RetentionItem> find_retention(const Engine& engine, const ManifestState& state, int64_t now);
Result<std::vector<RetentionItem>> run_retention(Engine& engine);
// Removes segments that are marked busy for it.
Status remove_segments(Engine& engine, const std::vector<uint64_t>& ids);
// Marks rows as deleted; a copy of the whole store; findings of all checks (deletes.cc, backup.cc, verify.cc).
Result<DeleteReport> mark_deleted(Engine& engine, const DatasetKey& key, contract::TimeRange range,
                                  const DeleteSelector& selector);
Status copy_store(Engine& engine, const std::string& to);
std::vector<std::string> verify_engine(Engine& engine);
// Removes journal files that hold nothing any more.
Status remove_unused_journal_files(Engine& engine);

void fill_meta(SegmentMeta& meta, const columnar::SegmentSummary& summary);
// The commit that `_seq` ranges of several pieces of it stand for; joins neighbours of one key.
void join_commits(std::vector<columnar::CommitRange>& commits);
columnar::DeletedRows deleted_rows_of(const RowRuns& runs, uint32_t rows);
RowRuns runs_of(const std::vector<bool>& deleted);

}  // namespace clew::logstore
