// Snapshots of the store of metrics, and stores from them.
#include <fmt/format.h>

#include "metricstore/metric_store.h"
#include "os/copy_file.h"

namespace clew::metricstore {

// Parts and what counts of the series log and the journal do not change while no step of work runs.
Status MetricStore::snapshot_to(const std::string& to) {
  CLEW_TRY(os::check_empty(disk_, to));
  CLEW_TRY(disk_.make_dirs(to + "/journal"));
  base::MutexLock work(work_mutex_);
  std::vector<std::pair<uint64_t, uint64_t>> ends = journal_->file_ends();
  MetricManifest manifest = manifest_;
  manifest.series_log_bytes = series_log_->bytes();
  for (const PartEntry& entry : manifest.parts) {
    CLEW_TRY(os::copy_file(disk_, part_path(options_.dir, entry.number), part_path(to, entry.number), UINT64_MAX));
  }
  CLEW_TRY(os::copy_file(disk_, series_log_path(options_.dir, manifest.series_log),
                         series_log_path(to, manifest.series_log), manifest.series_log_bytes));
  for (const auto& [number, end] : ends) {
    std::string name = fmt::format("/journal/{:08}.journal", number);
    CLEW_TRY(os::copy_file(disk_, options_.dir + name, to + name, end));
  }
  CLEW_TRY(disk_.sync_dir(to + "/journal"));
  CLEW_TRY(disk_.sync_dir(to));
  // The manifest last: a copy without one is no store.
  return write_manifest(disk_, to, manifest);
}

Status restore_metric_store(os::Disk& disk, const std::string& from, const std::string& to) {
  bool there = CLEW_TRY(disk.exists(from + "/MANIFEST"));
  if (!there) return {};
  CLEW_TRY(os::check_empty(disk, to));
  std::optional<MetricManifest> manifest = CLEW_TRY(read_manifest(disk, from));
  CLEW_TRY(disk.make_dirs(to + "/journal"));
  for (const char* below : {"", "/journal"}) {
    for (const os::DirEntry& entry : CLEW_TRY(disk.list(from + below))) {
      if (entry.is_dir || entry.name == "LOCK" || entry.name.starts_with("MANIFEST")) continue;
      CLEW_TRY(os::copy_file(disk, from + below + "/" + entry.name, to + below + "/" + entry.name, UINT64_MAX));
    }
    CLEW_TRY(disk.sync_dir(to + below));
  }
  return write_manifest(disk, to, *manifest);
}

}  // namespace clew::metricstore
