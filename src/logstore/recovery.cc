// What open() does: the manifest says which segments count, the journal brings what is not in them yet.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "columnar/part.h"
#include "logstore/commit.h"
#include "logstore/engine.h"

namespace clew::logstore {
namespace {

// A name that open_segment may have failed on for a moment is told apart from one that is broken.
bool is_damage(Code code) { return code == Code::kCorrupt || code == Code::kNotFound; }

void restore_key(Engine& engine, const std::string& tenant, const columnar::CommitRange& range) {
  if (range.key.producer == engine.own_producer) return;
  contract::Ack answer{.key = range.key,
                       .first_seq = Seq(range.first_seq.get() - range.first_row),
                       .first_row = 0,
                       .rows = range.write_rows,
                       .duplicate = true,
                       .conflicts = {}};
  engine.dedupe.restore(tenant, answer);
}

// False for a file that holds another segment than its name says: a write that went astray, a restore gone wrong.
bool is_the_segment(const columnar::SegmentReader& reader, const SegmentMeta& meta) {
  const columnar::SegmentSummary& s = reader.summary();
  const columnar::SegmentIdentity& id = reader.identity();
  return s.rows == meta.rows && s.file_bytes == meta.bytes && s.seq_min == meta.seq_min && s.seq_max == meta.seq_max &&
         id.tenant == meta.tenant && id.dataset == meta.dataset;
}

Status recover_segment(Engine& engine, const SegmentMeta& meta, const SegmentDeletes* deletes) {
  auto entry = std::make_shared<SegmentEntry>();
  entry->meta = meta;
  auto opened = columnar::open_segment(engine.disk, engine.segment_path(meta));
  if (!opened.ok() && !is_damage(opened.error().code())) return std::move(opened).error();
  if (!opened.ok() || !is_the_segment(**opened, meta)) {
    ++engine.recovered.segments_quarantined;
    engine.catalog.add_segment(std::move(entry));
    return {};
  }
  ++engine.recovered.segments;
  entry->reader = std::move(opened).take();
  for (const columnar::CommitRange& range : entry->reader->commits()) restore_key(engine, meta.tenant, range);
  if (deletes != nullptr) {
    const auto& groups = entry->reader->row_groups();
    entry->deleted.resize(groups.size());
    for (const auto& [group, runs] : deletes->row_groups) {
      if (group < groups.size()) entry->deleted[group] = deleted_rows_of(runs, groups[group]->rows());
    }
  }
  engine.catalog.note_fields({meta.tenant, meta.dataset}, entry->reader->fields());
  engine.catalog.add_segment(std::move(entry));
  return {};
}

columnar::DeletedRows deleted_of_part(const IntervalSet& deleted, const columnar::CommitRange& range) {
  uint64_t begin = range.first_seq.get();
  if (!deleted.touches(begin, begin + range.rows)) return nullptr;
  auto out = std::make_shared<std::vector<bool>>(range.rows, false);
  for (uint32_t row = 0; row < range.rows; ++row) (*out)[row] = deleted.contains(begin + row);
  return out;
}

// Brings the parts of one journal record back.
class JournalReplay {
 public:
  JournalReplay(Engine& engine, const ManifestState& state) : engine_(engine), state_(state) {}

  Status take(journal::RecoveredRecord&& r) {
    Result<Commit> decoded = decode_commit(r.record.meta);
    if (!decoded.ok() && decoded.error().code() == Code::kUnsupported) return std::move(decoded).error();
    if (!decoded.ok() || decoded->parts.size() != r.record.blobs.size()) {
      ++engine_.recovered.parts_damaged;
      return {};
    }
    const Commit& commit = *decoded;
    next_seq_ = std::max(next_seq_, commit.first_seq + commit.rows);
    engine_.catalog.note_journal_file(r.file_number, commit.first_seq);
    std::vector<std::pair<DatasetKey, PartPtr>> published;
    uint64_t row = 0;
    for (size_t p = 0; p < commit.parts.size(); ++p) {
      columnar::CommitRange range{
          Seq(commit.first_seq + row),   commit.parts[p].rows,   commit.key,
          UnixNanos(commit.commit_time), commit.first_row + row, commit.keyed ? commit.rows : 0};
      row += commit.parts[p].rows;
      if (state_.flushed.covers(range.first_seq.get(), range.first_seq.get() + range.rows)) continue;
      CLEW_TRY(take_part(r, commit, p, std::move(range), published));
    }
    if (commit.keyed) {
      engine_.dedupe.restore(commit.tenant, {.key = commit.key,
                                             .first_seq = Seq(commit.first_seq),
                                             .first_row = 0,
                                             .rows = commit.rows,
                                             .duplicate = true,
                                             .conflicts = commit.conflicts});
    }
    engine_.catalog.publish(std::move(published), commit.first_seq + commit.rows - 1);
    return {};
  }
  uint64_t next_seq() const { return next_seq_; }

 private:
  Status take_part(const journal::RecoveredRecord& r, const Commit& commit, size_t p, columnar::CommitRange range,
                   std::vector<std::pair<DatasetKey, PartPtr>>& published) {
    auto part = std::make_shared<PartEntry>();
    part->bytes = r.record.blobs[p].bytes;
    part->file_number = r.file_number;
    part->deleted = deleted_of_part(state_.deleted, range);
    auto source = columnar::open_part(r.file, r.record.blobs[p].offset, part->bytes, {range});
    if (!source.ok()) {
      if (source.error().code() != Code::kCorrupt) return std::move(source).error();
      ++engine_.recovered.parts_damaged;
      return {};
    }
    part->commit = std::move(range);
    part->source = std::move(source).take();
    ++engine_.recovered.parts;
    engine_.recovered.part_rows += part->commit.rows;
    DatasetKey key{commit.tenant, commit.parts[p].dataset};
    engine_.catalog.note_fields(key, part->source->fields());
    published.emplace_back(std::move(key), std::move(part));
    return {};
  }

  Engine& engine_;
  const ManifestState& state_;
  uint64_t next_seq_ = 1;
};

// Files that no edit names: a flush or merge that did not come to its end.
Status remove_orphans(Engine& engine, const ManifestState& state) {
  std::set<std::string> named;
  for (const auto& [id, segment] : state.segments) named.insert(engine.segment_path(segment));
  for (const os::DirEntry& tenant : CLEW_TRY(engine.disk.list(engine.tenants_dir()))) {
    if (!tenant.is_dir) continue;
    std::string dir = engine.tenants_dir() + "/" + tenant.name;
    bool removed = false;
    for (const os::DirEntry& file : CLEW_TRY(engine.disk.list(dir))) {
      std::string path = dir + "/" + file.name;
      if (file.is_dir || named.count(path) > 0) continue;
      CLEW_TRY(engine.disk.remove(path));
      ++engine.recovered.orphans_removed;
      removed = true;
    }
    if (removed) CLEW_TRY(engine.disk.sync_dir(dir));
  }
  return {};
}

// A new manifest beside old segments means that the old manifest is lost; nothing may be removed then.
Status check_no_segments(Engine& engine) {
  for (const os::DirEntry& tenant : CLEW_TRY(engine.disk.list(engine.tenants_dir()))) {
    if (!tenant.is_dir) continue;
    std::vector<os::DirEntry> files = CLEW_TRY(engine.disk.list(engine.tenants_dir() + "/" + tenant.name));
    if (!files.empty()) return Error(Code::kCorrupt, engine.dir + " has segments but no whole manifest");
  }
  return {};
}

// Ids that clients gave within a day, so that `create` finds them; the newest, as many as are kept in memory.
void restore_created_ids(Engine& engine) {
  struct Source {
    uint64_t seq = 0;
    int64_t time = 0;
    const std::string* tenant = nullptr;
    columnar::RowSourcePtr rows;
  };
  std::vector<Source> sources;
  int64_t since = engine.now() - static_cast<int64_t>(kCreateWindowNs);
  std::vector<SegmentPtr> segments = engine.catalog.all_segments();
  for (const SegmentPtr& s : segments) {
    if (!s->reader || s->meta.stored_time < since) continue;
    for (const auto& group : s->reader->row_groups()) {
      if (group->stores(model::kIdField))
        sources.push_back({s->meta.seq_max, s->meta.stored_time, &s->meta.tenant, group});
    }
  }
  std::vector<std::pair<DatasetKey, PartPtr>> parts = engine.catalog.all_parts();
  for (const auto& [key, part] : parts) {
    int64_t time = part->commit.commit_time.get();
    if (time >= since && part->source->stores(model::kIdField)) {
      sources.push_back({part->end_seq() - 1, time, &key.tenant, part->source});
    }
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.seq > b.seq; });
  uint64_t rows = 0;
  size_t count = 0;
  while (count < sources.size() && rows < engine.options.created_ids_max) rows += sources[count++].rows->rows();
  while (count > 0) {
    const Source& source = sources[--count];
    contract::GranulePtr granule = source.rows->granule(Seq(UINT64_MAX), nullptr);
    contract::ScanStats stats;
    for (uint32_t block = 0; block * contract::kBlockRows < granule->rows(); ++block) {
      model::Selection alive;
      granule->alive(block, alive);
      auto ids = granule->column(model::kIdField, block, alive, stats);
      if (!ids.ok()) continue;  // damage costs the check, not the start
      for (uint32_t i = 0; i < alive.size(); ++i) {
        engine.created_ids.note(*source.tenant, granule->dataset(), (*ids)->value(i).text(), source.time);
      }
    }
  }
}

}  // namespace

Status recover(Engine& engine) {
  CLEW_TRY(engine.disk.make_dirs(engine.tenants_dir()));
  engine.lock = CLEW_TRY(engine.disk.lock_dir(engine.dir));
  std::unique_ptr<Manifest> manifest = CLEW_TRY(Manifest::open(engine.disk, engine.rng, engine.dir + "/manifest"));
  const ManifestState& state = manifest->state();
  if (manifest->is_new()) CLEW_TRY(check_no_segments(engine));
  engine.own_producer = fmt::format("~{:016x}", state.store_id);
  CLEW_TRY(remove_orphans(engine, state));
  for (const auto& [id, meta] : state.segments) {
    auto deletes = state.deletes.find(id);
    CLEW_TRY(recover_segment(engine, meta, deletes == state.deletes.end() ? nullptr : &deletes->second));
  }
  JournalReplay replay(engine, state);
  auto each = [&](journal::RecoveredRecord&& r) { return replay.take(std::move(r)); };
  journal::JournalOptions journal_options{.file_bytes = engine.options.journal_file_bytes};
  engine.journal = CLEW_TRY(journal::Journal::open(engine.disk, engine.rng, engine.journal_dir(), journal_options, each,
                                                   engine.recovered.journal));
  for (uint64_t number : engine.journal->file_numbers()) engine.catalog.note_journal_file(number, UINT64_MAX);
  engine.first_free_seq = std::max({state.next_seq, replay.next_seq(), engine.catalog.up_to() + 1});
  engine.next_segment = state.next_segment;
  engine.metrics.recovered_records.add(engine.recovered.journal.records);
  engine.metrics.damaged_records.add(engine.recovered.journal.damaged_records + engine.recovered.parts_damaged);
  engine.metrics.torn_tails.add(engine.recovered.journal.torn_tails);
  engine.has_deletes = !state.deletes.empty();
  {
    base::MutexLock held(engine.manifest_mutex);
    engine.manifest = std::move(manifest);
  }
  restore_created_ids(engine);
  return remove_unused_journal_files(engine);
}

}  // namespace clew::logstore
