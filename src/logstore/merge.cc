// Merge: segments of one dataset, day and retention class become one. Large row groups are copied byte by byte; small
// ones and those with deleted rows are gathered and encoded anew.
#include <algorithm>

#include "columnar/segment.h"
#include "logstore/engine.h"
#include "logstore/row_order.h"

namespace clew::logstore {
namespace {

using columnar::RowRef;
using columnar::RowSourcePtr;

// A row group of the result: copied from one source, or gathered.
struct Planned {
  int64_t time_min = INT64_MAX;
  const columnar::SegmentReader* from = nullptr;  // when copied: from there
  size_t group = 0;
  std::vector<RowRef> rows;
};

struct Plan {
  std::vector<RowSourcePtr> small;  // sources that `Planned::rows` name
  std::vector<Planned> groups;
};

Result<Plan> make_plan(const Engine& engine, const MergeJob& job) {
  Plan plan;
  std::vector<TimedRow> rows;
  for (const SegmentPtr& segment : job.segments) {
    const auto& groups = segment->reader->row_groups();
    for (size_t g = 0; g < groups.size(); ++g) {
      const columnar::DeletedRows deleted = g < segment->deleted.size() ? segment->deleted[g] : nullptr;
      if (!deleted && groups[g]->rows() * 2 >= engine.options.row_group_rows) {
        plan.groups.push_back({groups[g]->time_min(), segment->reader.get(), g, {}});
        continue;
      }
      std::vector<int64_t> times = CLEW_TRY(groups[g]->times());
      uint32_t source = static_cast<uint32_t>(plan.small.size());
      plan.small.push_back(groups[g]);
      for (uint32_t row = 0; row < times.size(); ++row) {
        if (!deleted || !(*deleted)[row]) rows.push_back({times[row], {source, row}});
      }
    }
  }
  for (std::vector<RowRef>& group : cut_by_time(rows, engine.options.row_group_rows)) {
    std::vector<RowRef> sorted = CLEW_TRY(columnar::sorted_for_row_group(plan.small, std::move(group)));
    int64_t time_min = INT64_MAX;
    for (const RowRef& ref : sorted) time_min = std::min(time_min, plan.small[ref.source]->time_min());
    plan.groups.push_back({time_min, nullptr, 0, std::move(sorted)});
  }
  std::stable_sort(plan.groups.begin(), plan.groups.end(),
                   [](const Planned& a, const Planned& b) { return a.time_min < b.time_min; });
  return plan;
}

Status write_merged(Engine& engine, const MergeJob& job, SegmentPtr& written, std::string& path) {
  Plan plan = CLEW_TRY(make_plan(engine, job));
  if (plan.groups.empty()) return {};  // every row was deleted
  auto entry = std::make_shared<SegmentEntry>();
  SegmentMeta& meta = entry->meta;
  const SegmentMeta& first = job.segments.front()->meta;
  meta = SegmentMeta{.id = engine.take_segment_id(),
                     .tenant = first.tenant,
                     .dataset = first.dataset,
                     .retention_class = first.retention_class,
                     .day = first.day};
  std::vector<columnar::CommitRange> commits;
  for (const SegmentPtr& s : job.segments) {
    commits.insert(commits.end(), s->reader->commits().begin(), s->reader->commits().end());
    meta.stored_time = std::max(meta.stored_time, s->meta.stored_time);
    meta.rewrites = std::max(meta.rewrites, s->meta.rewrites + 1);
  }
  join_commits(commits);
  path = engine.segment_path(meta);
  std::unique_ptr<columnar::SegmentWriter> writer = CLEW_TRY(
      columnar::create_segment(engine.disk, path, {meta.tenant, meta.dataset, meta.day, meta.retention_class}));
  for (const Planned& group : plan.groups) {
    CLEW_TRY(engine.check_open());
    if (group.from) {
      CLEW_TRY(writer->copy_row_group(*group.from, group.group));
    } else {
      CLEW_TRY(writer->add_row_group(plan.small, group.rows));
    }
  }
  columnar::SegmentSummary summary = CLEW_TRY(writer->finish(std::move(commits)));
  fill_meta(meta, summary);
  CLEW_TRY(engine.disk.sync_dir(engine.segment_dir(meta.tenant)));
  entry->reader = CLEW_TRY(columnar::open_segment(engine.disk, path));
  written = std::move(entry);
  return {};
}

void mark_stuck(Engine& engine, const MergeJob& job) {
  for (const SegmentPtr& segment : job.segments) {
    Status whole = segment->reader->verify();
    if (whole.ok() || whole.error().code() != Code::kCorrupt) continue;
    segment->stuck = true;
    engine.metrics.damaged_records.add();
  }
}

}  // namespace

Status run_merge(Engine& engine, MergeJob& job) {
  SegmentPtr written;
  std::string path;
  Status done = write_merged(engine, job, written, path);
  if (done.ok()) {
    Edit edit;
    std::vector<SegmentPtr> added;
    if (written) {
      edit.added.push_back(written->meta);
      added.push_back(written);
    }
    for (const SegmentPtr& s : job.segments) edit.removed.push_back(s->meta.id);
    done = engine.append_edit(edit, [&] { engine.catalog.replace_segments(job, added); });
  }
  if (done.ok()) {
    engine.metrics.merges.add();
    engine.metrics.merged_rows.add(written ? written->meta.rows : 0);
    for (const SegmentPtr& s : job.segments) {
      // Left over by a failure, the next start removes it: no manifest names it.
      if (!engine.disk.remove(engine.segment_path(s->meta)).ok()) engine.metrics.background_errors.add();
    }
    return {};
  }
  if (done.error().code() == Code::kCorrupt) mark_stuck(engine, job);
  if (done.error().code() != Code::kUnavailable && !path.empty()) (void)engine.disk.remove(path);
  engine.catalog.release(job);
  return done;
}

}  // namespace clew::logstore
