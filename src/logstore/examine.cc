// Looks at a store that is not open: what `clew inspect DIR` prints and `clew verify DIR` checks. Never writes.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "columnar/part.h"
#include "columnar/segment.h"
#include "journal/record.h"
#include "logstore/commit.h"
#include "logstore/log_store.h"

namespace clew::logstore {
namespace {

struct Examination {
  os::Disk& disk;
  const std::string& dir;
  const ManifestState& state;
  StoreReport report;

  void find(const std::string& where, const std::string& what) { report.findings.push_back(where + ": " + what); }
};

void examine_segment(Examination& e, const SegmentMeta& s) {
  std::string path = fmt::format("{}/tenants/{:016x}/{:08}.seg", e.dir, base::hash64(s.tenant), s.id);
  e.report.text +=
      fmt::format("segment {:08} {}/{} day {} rows {} bytes {} _seq {}..{}{}\n", s.id, s.tenant, s.dataset, s.day,
                  s.rows, s.bytes, s.seq_min, s.seq_max, e.state.deletes.count(s.id) > 0 ? " with deletes" : "");
  auto reader = columnar::open_segment(e.disk, path);
  if (!reader.ok()) return e.find(path, reader.error().message());
  Status whole = (*reader)->verify();
  if (!whole.ok()) e.find(path, whole.error().message());
  if ((*reader)->summary().rows != s.rows) e.find(path, "another number of rows than the manifest says");
}

// Parts that are not flushed yet are decoded whole.
Status examine_record(Examination& e, const std::shared_ptr<const os::File>& file, const journal::Record& record) {
  Result<Commit> commit = decode_commit(record.meta);
  if (!commit.ok() || commit->parts.size() != record.blobs.size()) {
    e.find(file->path(), fmt::format("record at {} holds no commit", record.offset));
    return {};
  }
  uint64_t row = 0;
  for (size_t p = 0; p < commit->parts.size(); ++p) {
    uint64_t first = commit->first_seq + row;
    row += commit->parts[p].rows;
    if (e.state.flushed.covers(first, first + commit->parts[p].rows)) continue;
    columnar::CommitRange range{Seq(first), commit->parts[p].rows, commit->key, UnixNanos(commit->commit_time),
                                row,        commit->rows};
    auto part = columnar::open_part(file, record.blobs[p].offset, record.blobs[p].bytes, {range});
    Status whole = part.ok() ? (*part)->verify() : Status(part.error());
    if (!whole.ok())
      e.find(file->path(), fmt::format("part at {}: {}", record.blobs[p].offset, whole.error().message()));
  }
  return {};
}

Status examine_journal(Examination& e, const std::string& path) {
  std::unique_ptr<os::File> opened = CLEW_TRY(e.disk.open(path, os::OpenMode::kRead));
  std::shared_ptr<const os::File> file = std::move(opened);
  e.report.text += path + ": " + journal::describe_journal(*file, describe_commit);
  Result<journal::FileHeader> header = journal::read_file_header(*file);
  if (!header.ok()) {
    e.find(path, header.error().message());
    return {};
  }
  auto each = [&](journal::Record&& record) { return examine_record(e, file, record); };
  journal::ScanReport scan = CLEW_TRY(journal::scan_file(*file, *header, each));
  for (const auto& d : scan.damaged) e.find(path, fmt::format("{} damaged bytes at {}", d.bytes, d.offset));
  return {};
}

}  // namespace

Result<StoreReport> examine_store(os::Disk& disk, const std::string& dir) {
  ManifestState state = CLEW_TRY(Manifest::read(disk, dir + "/manifest"));
  Examination e{disk, dir, state, {}};
  e.report.text =
      fmt::format("store {:016x}, next _seq {}, {} segments\n", state.store_id, state.next_seq, state.segments.size());
  for (const auto& [id, segment] : state.segments) examine_segment(e, segment);
  std::vector<os::DirEntry> entries = CLEW_TRY(disk.list(dir + "/journal"));
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const os::DirEntry& entry : entries) {
    std::string path = dir + "/journal/" + entry.name;
    if (entry.name.ends_with(".journal")) CLEW_TRY(examine_journal(e, path));
    if (entry.name.ends_with(".bad")) e.find(path, "a journal file that could not be read at a start");
  }
  return std::move(e.report);
}

}  // namespace clew::logstore
