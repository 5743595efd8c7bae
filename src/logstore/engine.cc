#include "logstore/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace clew::logstore {
namespace {

constexpr uint64_t kSpaceCheckNs = 20'000'000;

}  // namespace

std::string Engine::segment_dir(const std::string& tenant) const {
  return fmt::format("{}/{:016x}", tenants_dir(), base::hash64(tenant));
}

std::string Engine::segment_path(const SegmentMeta& segment) const {
  return fmt::format("{}/{:08}.seg", segment_dir(segment.tenant), segment.id);
}

Status Engine::check_space() {
  uint64_t now_ns = clock.monotonic_ns();
  uint64_t checked = space_checked_ns_.load();
  bool fresh = checked != 0 && now_ns - checked < kSpaceCheckNs && options.background_threads > 0;
  if (!fresh) {
    os::DiskSpace space = CLEW_TRY(disk.space(dir));
    uint64_t reserve = std::min(kReserveBytesMax, space.total_bytes / kReserveShare);
    space_ok_ = space.free_bytes >= reserve;
    space_checked_ns_ = now_ns;
  }
  if (!space_ok_) return Error(Code::kFull, "the disk is under its reserve; writes go on when there is room again");
  return {};
}

Status Engine::check_open() const {
  if (closing.load(std::memory_order_relaxed)) return Error(Code::kCancelled, "the store is closing");
  return {};
}

Status Engine::append_edit(const Edit& edit, const std::function<void()>& then) {
  base::MutexLock held(manifest_mutex);
  CLEW_TRY(manifest->append(edit));
  has_deletes = !manifest->state().deletes.empty();
  then();
  return {};
}

ManifestState Engine::manifest_state() const {
  base::MutexLock held(manifest_mutex);
  return manifest->state();
}

StoreVersion Engine::store_version() const {
  base::MutexLock held(manifest_mutex);
  return manifest->version();
}

std::map<uint64_t, SegmentDeletes> Engine::segment_deletes() const {
  base::MutexLock held(manifest_mutex);
  return manifest->state().deletes;
}

Status Engine::manifest_health() const {
  base::MutexLock held(manifest_mutex);
  return manifest->health();
}

DatasetSettings Engine::settings_of(const DatasetKey& key) const {
  base::MutexLock held(manifest_mutex);
  auto it = manifest->state().settings.find(key);
  return it == manifest->state().settings.end() ? DatasetSettings() : it->second;
}

void join_commits(std::vector<columnar::CommitRange>& commits) {
  std::sort(commits.begin(), commits.end(),
            [](const auto& a, const auto& b) { return a.first_seq.get() < b.first_seq.get(); });
  std::vector<columnar::CommitRange> out;
  for (columnar::CommitRange& c : commits) {
    if (!out.empty()) {
      columnar::CommitRange& last = out.back();
      if (c.first_seq == last.first_seq) continue;  // another piece of the same rows
      bool follows = last.first_seq.get() + last.rows == c.first_seq.get() && last.first_row + last.rows == c.first_row;
      bool same = last.key == c.key && last.commit_time == c.commit_time && last.write_rows == c.write_rows;
      if (follows && same && uint64_t{last.rows} + c.rows <= UINT32_MAX) {
        last.rows += c.rows;
        continue;
      }
    }
    out.push_back(std::move(c));
  }
  commits = std::move(out);
}

columnar::DeletedRows deleted_rows_of(const RowRuns& runs, uint32_t rows) {
  auto out = std::make_shared<std::vector<bool>>(rows, false);
  for (const auto& [row, count] : runs) {
    for (uint32_t i = row; i < std::min(row + count, rows); ++i) (*out)[i] = true;
  }
  return out;
}

RowRuns runs_of(const std::vector<bool>& deleted) {
  RowRuns runs;
  for (uint32_t i = 0; i < deleted.size(); ++i) {
    if (!deleted[i]) continue;
    if (!runs.empty() && runs.back().first + runs.back().second == i) {
      ++runs.back().second;
    } else {
      runs.emplace_back(i, 1);
    }
  }
  return runs;
}

}  // namespace clew::logstore
