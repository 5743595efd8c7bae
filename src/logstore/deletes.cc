// Deletes: rows are marked in the manifest and gone from the next snapshot on; flushes, merges and rewrites leave them
// out.
#include <algorithm>

#include "logstore/engine.h"

namespace clew::logstore {
namespace {

constexpr std::string_view kAuditDataset = "audit";

// Marks what the selector chooses in one granule. Gives how many rows are newly marked; `marked` is filled then.
Result<uint64_t> choose_rows(const contract::Granule& granule, const columnar::DeletedRows& before,
                             const DeleteSelector& selector, columnar::DeletedRows& marked) {
  auto bits = std::make_shared<std::vector<bool>>(before ? *before : std::vector<bool>(granule.rows(), false));
  uint64_t chosen = 0;
  uint32_t blocks = (granule.rows() + contract::kBlockRows - 1) / contract::kBlockRows;
  for (uint32_t block = 0; block < blocks; ++block) {
    model::Selection rows;
    granule.alive(block, rows);
    if (rows.empty()) continue;
    CLEW_TRY(selector(granule, block, rows));
    for (uint32_t row : rows) {
      if ((*bits)[row]) continue;
      (*bits)[row] = true;
      ++chosen;
    }
  }
  if (chosen > 0) marked = std::move(bits);
  return chosen;
}

struct Marks {
  std::vector<std::pair<PartPtr, columnar::DeletedRows>> parts;
  std::vector<std::pair<SegmentPtr, std::vector<columnar::DeletedRows>>> segments;
  Edit edit;
  uint64_t rows = 0;
};

Status mark_part(const Catalog::View::Part& part, uint64_t up_to, const DeleteSelector& selector, Marks& marks) {
  columnar::DeletedRows marked;
  uint64_t chosen =
      CLEW_TRY(choose_rows(*part.source->granule(Seq(up_to), part.deleted), part.deleted, selector, marked));
  if (chosen == 0) return {};
  for (const auto& [row, count] : runs_of(*marked)) {
    uint64_t begin = part.entry->first_seq() + row;
    marks.edit.deleted.emplace_back(begin, begin + count);
  }
  marks.parts.emplace_back(part.entry, std::move(marked));
  marks.rows += chosen;
  return {};
}

Status mark_segment(const Catalog::View::Segment& segment, uint64_t up_to, int64_t now, const DeleteSelector& selector,
                    const std::map<uint64_t, SegmentDeletes>& known, Marks& marks) {
  const auto& groups = segment.reader->row_groups();
  std::vector<columnar::DeletedRows> deleted = segment.deleted;
  deleted.resize(groups.size());
  uint64_t chosen = 0;
  uint64_t left = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    columnar::DeletedRows marked;
    chosen += CLEW_TRY(choose_rows(*groups[g]->granule(Seq(up_to), deleted[g]), deleted[g], selector, marked));
    if (marked) deleted[g] = std::move(marked);
    left += groups[g]->rows();
    if (deleted[g]) left -= static_cast<uint64_t>(std::count(deleted[g]->begin(), deleted[g]->end(), true));
  }
  if (chosen == 0) return {};
  marks.rows += chosen;
  if (left == 0) {
    marks.edit.removed.push_back(segment.meta.id);
    return {};
  }
  auto before = known.find(segment.meta.id);
  SegmentDeletes deletes{.row_groups = {}, .since = before == known.end() ? now : before->second.since};
  for (uint32_t g = 0; g < groups.size(); ++g) {
    if (deleted[g]) deletes.row_groups[g] = runs_of(*deleted[g]);
  }
  marks.edit.deletes.emplace_back(segment.meta.id, std::move(deletes));
  marks.segments.emplace_back(segment.entry, std::move(deleted));
  return {};
}

}  // namespace

// Requires: no background step runs (Background::Pause).
Result<DeleteReport> mark_deleted(Engine& engine, const DatasetKey& key, contract::TimeRange range,
                                  const DeleteSelector& selector) {
  if (key.dataset == kAuditDataset) return Error(Code::kForbidden, "the dataset audit takes no deletes");
  if (engine.settings_of(key).held) return Error(Code::kForbidden, "dataset " + quoted(key.dataset) + " is held");
  Catalog::View view = engine.catalog.view(key.tenant, {key.dataset}, range);
  std::map<uint64_t, SegmentDeletes> known = engine.segment_deletes();
  Marks marks;
  for (const auto& part : view.parts) CLEW_TRY(mark_part(part, view.up_to, selector, marks));
  for (const auto& segment : view.segments) {
    if (segment.reader) CLEW_TRY(mark_segment(segment, view.up_to, engine.now(), selector, known, marks));
  }
  if (marks.rows == 0) return DeleteReport{};
  std::vector<std::string> paths;
  for (const auto& segment : view.segments) {
    const auto& removed = marks.edit.removed;
    if (std::find(removed.begin(), removed.end(), segment.meta.id) != removed.end()) {
      paths.push_back(engine.segment_path(segment.meta));
    }
  }
  CLEW_TRY(engine.append_edit(marks.edit, [&] {
    engine.catalog.set_deleted(marks.parts, marks.segments);
    engine.catalog.remove_segments(marks.edit.removed);
  }));
  for (const std::string& path : paths) {
    if (!engine.disk.remove(path).ok()) engine.metrics.background_errors.add();
  }
  engine.metrics.deleted_rows.add(marks.rows);
  return DeleteReport{marks.rows};
}

}  // namespace clew::logstore
