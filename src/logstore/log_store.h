// LogStore: the log engine. Batches in, granules out; durable, deduplicated, merged in the background.
//
// The life of a write: encoded into parts on the caller's thread, appended to the journal in a group with others and
// synced, published, answered. Later a flush turns parts into segments and a merge joins segments. Queries see parts
// and segments alike. See README.md, docs/formats/journal.md and docs/formats/manifest.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "contract/event_feed.h"
#include "contract/event_sink.h"
#include "contract/event_source.h"
#include "journal/journal.h"
#include "logstore/manifest.h"
#include "logstore/store_options.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::logstore {

struct Engine;
struct StoredCommit;
struct Usage;
struct UsageRequest;
struct WritesPage;
struct WritesRequest;

// What open() found, for the log line at start and for tests.
struct Recovered {
  journal::RecoveryReport journal;
  uint64_t segments = 0;
  uint64_t segments_quarantined = 0;  // damaged, missing or misplaced; their rows are left out of answers and counted
  uint64_t parts = 0;
  uint64_t part_rows = 0;
  uint64_t parts_damaged = 0;
  uint64_t orphans_removed = 0;  // files that no manifest names
};

// Ready to write, and if not, why.
struct StoreHealth {
  Status writes;  // kUnavailable: sealed until a restart; kFull: under the reserve, ends by itself
  uint64_t segments_quarantined = 0;
};

// What a delete takes out of one granule: narrows `rows`, all rows of the block that are alive, to those that go.
using DeleteSelector = std::function<Status(const contract::Granule& granule, uint32_t block, model::Selection& rows)>;

enum class WaitForBytes : uint8_t { kNo, kYes };

struct DeleteReport {
  uint64_t rows = 0;
};

// What retention would take, or took, of one dataset's day.
struct RetentionItem {
  std::string tenant;
  std::string dataset;
  std::string retention_class;
  int64_t day = 0;
  uint64_t segment = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  std::string why;  // "365 days are over", "dataset is over 1000000 bytes"
};

// Errors: kInvalid, saying which rule and why.
Status check_class_rules(const std::vector<ClassRule>& rules);

// Threads:  all functions on any thread, unless said otherwise.
// Lifetime: disk, clock, rng and registry outlive the store. Granules may outlive it.
// Crash:    an acknowledged write survives power loss; an unacknowledged one is there whole or not at all.
class LogStore final : public contract::EventSink, public contract::EventSource {
 public:
  // Errors: kExists when another process has the directory; kCorrupt when the manifest is damaged in both copies;
  //         kUnsupported for a newer store; kIo, kFull.
  static Result<std::unique_ptr<LogStore>> open(os::Disk& disk, os::Clock& clock, os::Rng& rng, std::string dir,
                                                StoreOptions options, base::Registry& registry);
  ~LogStore() override;
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  void write(contract::Write write, Done done) override;
  // What a write that begins now would be refused for, whatever it holds.
  // Errors: kOverloaded, kFull, kIo, kUnavailable.
  Status can_write() const;
  Result<contract::Snapshot> snapshot(const contract::Access& access, const contract::Scan& scan,
                                      contract::ScanStats& stats) override;
  Result<std::vector<contract::DatasetInfo>> datasets(const contract::Access& access) override;
  Result<std::vector<contract::FieldInfo>> fields(const contract::Access& access, const std::string& dataset) override;
  std::vector<std::pair<std::string, model::Type>> declared_types(const contract::Access& access,
                                                                  const std::string& dataset) override;

  // Everything that is committed, as it comes. Lifetime: the store's.
  contract::EventFeed& feed();

  // Settings of a dataset; they need no events to be there. Errors: kForbidden, kIo, kFull, kUnavailable.
  Status declare_types(const contract::Access& access, const std::string& dataset,
                       std::vector<std::pair<std::string, model::Type>> types);
  Status set_retention(const contract::Access& access, const std::string& dataset, std::optional<RetentionRule> rule);
  // Rules below the dataset's, all of them at once. Events keep the class that they met at their flush; days and bytes
  // of a class's rule hold at once, and events of a class that has none any more are the dataset's again. Errors: also
  // kInvalid.
  Status set_retention_classes(const contract::Access& access, const std::string& dataset,
                               std::vector<ClassRule> rules);
  Status set_hold(const contract::Access& access, const std::string& dataset, bool held);
  // What was set; defaults where nothing was.
  DatasetSettings settings(const contract::Access& access, const std::string& dataset) const;

  // Who uses the disk (usage.h), of the datasets that may be read; `datasets` empty: of all of them.
  Result<Usage> usage(const contract::Access& access, const std::vector<std::string>& datasets,
                      const UsageRequest& request, const std::stop_token& stop) const;

  // The writes of the tenant, a page at a time, as another store takes them (stored_writes.h).
  // Errors: kForbidden for a caller who may not see all datasets: a write is given whole or not at all.
  Result<WritesPage> stored_writes(const contract::Access& access, const WritesRequest& request) const;
  // The tenant's keyed writes of which a row lies behind this `_seq`, by `_seq` (stored_writes.h).
  std::vector<StoredCommit> stored_commits(const contract::Access& access, uint64_t after) const;
  // By key: true when it is stored and write() may not know it any more, as only the newest keys are in memory.
  std::vector<bool> has_old_keys(const contract::Access& access, const std::vector<contract::BatchKey>& keys) const;

  // Deletes the rows that the selector leaves, of those committed before the call. They are gone from the next snapshot
  // on; their bytes within StoreOptions::delete_rewrite_ns, or before the return with kYes.
  // Errors: kForbidden for the dataset audit and for held ones; what the selector gives; kIo, kFull, kUnavailable.
  Result<DeleteReport> delete_rows(const contract::Access& access, const std::string& dataset,
                                   contract::TimeRange range, const DeleteSelector& selector, WaitForBytes wait);
  // All of a dataset.
  Result<DeleteReport> delete_dataset(const contract::Access& access, const std::string& dataset);

  // What retention would remove now; enforce_retention removes it.
  std::vector<RetentionItem> retention_due() const;
  Result<std::vector<RetentionItem>> enforce_retention();

  // A copy of everything committed before the call, readable as a store of its own. `to` must not exist or be empty.
  // Errors: kExists, kIo, kFull.
  Status snapshot_to(const std::string& to);

  // Turns everything in the journal into segments; joins what can be joined. Background work may still run beside.
  Status flush_now();
  Status merge_all();
  // One step of background work, for stores without threads; false when nothing is due.
  Result<bool> work_once();
  // True while nothing is due: no flush, merge or rewrite.
  bool is_idle() const;

  // Commits what waits and stops; writes are refused from now on. Also done by the destructor.
  void close();

  StoreHealth health() const;
  const Recovered& recovered() const;
  // Walks every checksum and invariant of what is open. Gives one line per finding.
  std::vector<std::string> verify() const;

 private:
  struct Parts;
  explicit LogStore(std::unique_ptr<Parts> parts);
  void register_gauges();
  void drop_gauges();
  std::unique_ptr<Parts> parts_;
};

// Makes a store in `to`, which must not exist or be empty, from what snapshot_to() wrote.
// Errors: kNotFound and kCorrupt when `from` holds no copy; kExists; kIo; kFull.
Status restore_store(os::Disk& disk, const std::string& from, const std::string& to);

// What a store that is not open holds, and every check of it; nothing is written. `findings` is empty when all is well.
// Errors: kNotFound when there is no store; kUnsupported.
struct StoreReport {
  std::string text;  // manifest, segments, journal files: for `clew inspect DIR`
  std::vector<std::string> findings;
};
Result<StoreReport> examine_store(os::Disk& disk, const std::string& dir);

// A newer build keeps writing a store in the version it was made in, so that the older build can be put back. This ends
// that: the store that is not open is written in this build's version from now on.
// Errors: kNotFound when there is no store; kExists when a process has it open; kUnsupported; kCorrupt; kIo; kFull.
struct UpgradeReport {
  uint32_t from = 0;
  uint32_t to = 0;
  uint32_t oldest_reader = 0;  // builds that read less refuse the store now
};
Result<UpgradeReport> upgrade_store(os::Disk& disk, os::Rng& rng, const std::string& dir);

}  // namespace clew::logstore
