// Flush: parts of one dataset leave the journal as segments, one for each day and retention class of their events. An
// event's class is the rule in force at its flush, minutes at most after it came.
#include <algorithm>
#include <map>

#include "columnar/segment.h"
#include "logstore/engine.h"
#include "logstore/retention_class.h"
#include "logstore/row_order.h"

namespace clew::logstore {
namespace {

using columnar::RowRef;
using columnar::RowSourcePtr;

// What becomes one segment.
struct Partition {
  int64_t day = 0;
  size_t retention_class = 0;  // by the job's Classifier
  friend auto operator<=>(const Partition&, const Partition&) = default;
};
using Partitions = std::map<Partition, std::vector<TimedRow>>;

int64_t day_of(int64_t time) { return time >= 0 ? time / kDayNs : -((-(time + 1)) / kDayNs) - 1; }

Result<Partitions> rows_by_partition(const FlushJob& job, const Classifier& classifier) {
  Partitions partitions;
  for (uint32_t s = 0; s < job.parts.size(); ++s) {
    const PartEntry& part = *job.parts[s];
    std::vector<int64_t> times = CLEW_TRY(part.source->times());
    std::vector<uint8_t> classes = CLEW_TRY(classifier.classes_of(*part.source));
    Partition last;
    std::vector<TimedRow>* rows = nullptr;
    for (uint32_t row = 0; row < times.size(); ++row) {
      if (part.deleted && (*part.deleted)[row]) continue;
      Partition own{day_of(times[row]), classes.empty() ? size_t{0} : classes[row]};
      if (rows == nullptr || own != last) {
        last = own;
        rows = &partitions[own];
      }
      rows->push_back({times[row], {s, row}});
    }
  }
  return partitions;
}

struct Written {
  std::vector<SegmentPtr> segments;
  std::vector<std::string> paths;
};

struct Place {
  int64_t day = 0;
  std::string retention_class;
};

Status write_segment(Engine& engine, const FlushJob& job, const std::vector<RowSourcePtr>& sources, Place place,
                     std::vector<TimedRow>& rows, Written& written) {
  auto entry = std::make_shared<SegmentEntry>();
  SegmentMeta& meta = entry->meta;
  meta.id = engine.take_segment_id();
  meta.tenant = job.key.tenant;
  meta.dataset = job.key.dataset;
  meta.retention_class = std::move(place.retention_class);
  meta.day = place.day;
  std::string path = engine.segment_path(meta);
  std::unique_ptr<columnar::SegmentWriter> writer = CLEW_TRY(
      columnar::create_segment(engine.disk, path, {meta.tenant, meta.dataset, meta.day, meta.retention_class}));
  written.paths.push_back(path);

  std::vector<bool> used(sources.size(), false);
  for (const TimedRow& row : rows) used[row.ref.source] = true;
  std::vector<columnar::CommitRange> commits;
  for (size_t s = 0; s < job.parts.size(); ++s) {
    if (!used[s]) continue;
    commits.push_back(job.parts[s]->commit);
    meta.stored_time = std::max(meta.stored_time, job.parts[s]->commit.commit_time.get());
  }
  join_commits(commits);
  for (std::vector<RowRef>& group : cut_by_time(rows, engine.options.row_group_rows)) {
    CLEW_TRY(engine.check_open());
    std::vector<RowRef> sorted = CLEW_TRY(columnar::sorted_for_row_group(sources, std::move(group)));
    CLEW_TRY(writer->add_row_group(sources, sorted));
  }
  columnar::SegmentSummary summary = CLEW_TRY(writer->finish(std::move(commits)));
  fill_meta(meta, summary);
  entry->reader = CLEW_TRY(columnar::open_segment(engine.disk, path));
  written.segments.push_back(std::move(entry));
  return {};
}

Status write_segments(Engine& engine, const FlushJob& job, Written& written) {
  std::vector<RowSourcePtr> sources;
  for (const PartPtr& part : job.parts) sources.push_back(part->source);
  DatasetSettings settings = engine.settings_of(job.key);
  Classifier classifier(settings.classes);
  Partitions partitions = CLEW_TRY(rows_by_partition(job, classifier));
  std::string dir = engine.segment_dir(job.key.tenant);
  CLEW_TRY(engine.disk.make_dirs(dir));
  for (auto& [partition, rows] : partitions) {
    Place place{partition.day, classifier.name(partition.retention_class)};
    CLEW_TRY(write_segment(engine, job, sources, std::move(place), rows, written));
    std::vector<TimedRow>().swap(rows);
  }
  if (written.segments.empty()) return {};
  return engine.disk.sync_dir(dir);
}

// Which parts cannot be read whole; they stay where they are and are counted.
void mark_stuck(Engine& engine, const FlushJob& job) {
  for (const PartPtr& part : job.parts) {
    auto times = part->source->times();
    Status whole = times.ok() ? part->source->verify() : Status(times.error());
    if (!whole.ok() && whole.error().code() == Code::kCorrupt) {
      part->stuck = true;
      engine.metrics.damaged_records.add();
    }
  }
}

}  // namespace

void fill_meta(SegmentMeta& meta, const columnar::SegmentSummary& summary) {
  meta.rows = summary.rows;
  meta.bytes = summary.file_bytes;
  meta.time_min = summary.time_min;
  meta.time_max = summary.time_max;
  meta.seq_min = summary.seq_min;
  meta.seq_max = summary.seq_max;
}

Status run_flush(Engine& engine, FlushJob& job) {
  Written written;
  Status done = write_segments(engine, job, written);
  Edit edit;
  if (done.ok()) {
    uint64_t rows = 0;
    for (const PartPtr& part : job.parts) {
      edit.flushed.emplace_back(part->first_seq(), part->end_seq());
      edit.next_seq = std::max(edit.next_seq, part->end_seq());
      rows += part->commit.rows;
    }
    for (const SegmentPtr& s : written.segments) edit.added.push_back(s->meta);
    edit.seq_floor = engine.catalog.journal_seq_floor();
    done = engine.append_edit(edit, [&] { engine.catalog.replace_parts(job, written.segments); });
    if (done.ok()) {
      engine.metrics.flushes.add();
      engine.metrics.flushed_rows.add(rows);
      return remove_unused_journal_files(engine);
    }
  }
  if (done.error().code() == Code::kCorrupt) mark_stuck(engine, job);
  // A sealed manifest may hold the edit on one copy: then the files belong to the next start.
  if (done.error().code() != Code::kUnavailable) {
    for (const std::string& path : written.paths) (void)engine.disk.remove(path);
  }
  engine.catalog.release(job);
  return done;
}

Status remove_unused_journal_files(Engine& engine) {
  for (uint64_t number : engine.catalog.unused_journal_files(engine.journal->current_file())) {
    Status removed = engine.journal->remove_file(number);
    bool gone = removed.ok() || removed.error().code() == Code::kNotFound;  // another thread may have been first
    if (!gone) return removed;
    engine.catalog.forget_journal_file(number);
  }
  return {};
}

}  // namespace clew::logstore
