// Online snapshot: a directory that is a store of its own, cut at one _seq.
//
// Segments and journal records are immutable, so copying their files needs no stop of writing: only flushes, merges and
// deletes pause, because they would remove files in between. Journal files are copied up to where their records ended
// at one moment, so that the copy holds all commits before it and none after.
#include <fmt/format.h>

#include "logstore/engine.h"
#include "os/copy_file.h"

namespace clew::logstore {
namespace {

constexpr int kDepthMax = 4;

}  // namespace

// Requires: no background step runs (Background::Pause).
Status copy_store(Engine& engine, const std::string& to) {
  CLEW_TRY(os::check_empty(engine.disk, to));
  CLEW_TRY(engine.disk.make_dirs(to + "/journal"));
  CLEW_TRY(engine.disk.make_dirs(to + "/manifest"));
  CLEW_TRY(engine.disk.make_dirs(to + "/tenants"));
  std::vector<std::pair<uint64_t, uint64_t>> journal_files = engine.journal->file_ends();
  ManifestState state = engine.manifest_state();
  for (const auto& [id, segment] : state.segments) {
    std::string from = engine.segment_path(segment);
    std::string name = from.substr(engine.tenants_dir().size());
    std::string dir = to + "/tenants" + name.substr(0, name.find('/', 1));
    CLEW_TRY(engine.disk.make_dirs(dir));
    CLEW_TRY(os::copy_file(engine.disk, from, to + "/tenants" + name, UINT64_MAX));
    CLEW_TRY(engine.disk.sync_dir(dir));
  }
  for (const auto& [number, end] : journal_files) {
    std::string name = fmt::format("/{:08}.journal", number);
    CLEW_TRY(os::copy_file(engine.disk, engine.journal_dir() + name, to + "/journal" + name, end));
  }
  CLEW_TRY(engine.disk.sync_dir(to + "/journal"));
  // The manifest last: a copy without one is no store.
  std::unique_ptr<Manifest> manifest =
      CLEW_TRY(Manifest::open(engine.disk, engine.rng, to + "/manifest", engine.store_version()));
  return manifest->append(edit_of(state));
}

namespace {

Status copy_tree(os::Disk& disk, const std::string& from, const std::string& to, int depth) {
  if (depth > kDepthMax) return Error(Code::kInvalid, from + " is no copy of a store");
  CLEW_TRY(disk.make_dirs(to));
  for (const os::DirEntry& entry : CLEW_TRY(disk.list(from))) {
    if (entry.is_dir) {
      CLEW_TRY(copy_tree(disk, from + "/" + entry.name, to + "/" + entry.name, depth + 1));
    } else if (entry.name != "LOCK") {
      CLEW_TRY(os::copy_file(disk, from + "/" + entry.name, to + "/" + entry.name, UINT64_MAX));
    }
  }
  return disk.sync_dir(to);
}

}  // namespace

Status restore_store(os::Disk& disk, const std::string& from, const std::string& to) {
  CLEW_TRY(Manifest::read(disk, from + "/manifest"));
  CLEW_TRY(os::check_empty(disk, to));
  // The manifest last, as in a snapshot.
  for (const char* part : {"/journal", "/tenants", "/manifest"}) CLEW_TRY(copy_tree(disk, from + part, to + part, 0));
  return disk.sync_dir(to);
}

Result<UpgradeReport> upgrade_store(os::Disk& disk, os::Rng& rng, const std::string& dir) {
  std::unique_ptr<os::DirLock> lock = CLEW_TRY(disk.lock_dir(dir));
  CLEW_TRY(Manifest::read(disk, dir + "/manifest"));
  std::unique_ptr<Manifest> manifest = CLEW_TRY(Manifest::open(disk, rng, dir + "/manifest"));
  UpgradeReport report{.from = manifest->version().writer, .to = kStoreVersion, .oldest_reader = kStoreOldestReader};
  if (manifest->version() != StoreVersion{}) CLEW_TRY(manifest->upgrade());
  return report;
}

}  // namespace clew::logstore
