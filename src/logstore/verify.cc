// Checks of an open store: every checksum, and that manifest, catalog and files tell the same.
#include <fmt/format.h>

#include <algorithm>

#include "logstore/engine.h"

namespace clew::logstore {

namespace {

void verify_segment(const Engine& engine, const SegmentEntry& segment, std::vector<std::string>& findings) {
  std::string path = engine.segment_path(segment.meta);
  auto find = [&](const std::string& what) { findings.push_back(path + ": " + what); };
  if (!segment.reader) return find("quarantined: damaged, missing, or another segment than the manifest says");
  Status whole = segment.reader->verify();
  if (!whole.ok()) find(whole.error().message());
  const columnar::SegmentIdentity& identity = segment.reader->identity();
  bool same = identity.tenant == segment.meta.tenant && identity.dataset == segment.meta.dataset &&
              identity.day == segment.meta.day && identity.retention_class == segment.meta.retention_class;
  if (!same) find("belongs to another partition than the manifest says");
  const columnar::SegmentSummary& summary = segment.reader->summary();
  if (summary.rows != segment.meta.rows) {
    find(fmt::format("has {} rows, the manifest says {}", summary.rows, segment.meta.rows));
  }
  if (summary.seq_min != segment.meta.seq_min || summary.seq_max != segment.meta.seq_max) {
    find("has other _seqs than the manifest says");
  }
}

// C1: no _seq is in two places.
void verify_seqs(const std::vector<SegmentPtr>& segments, const std::vector<std::pair<DatasetKey, PartPtr>>& parts,
                 std::vector<std::string>& findings) {
  std::vector<uint64_t> all;
  auto take = [&](const columnar::RowSource& source) {
    auto seqs = source.seqs();
    if (seqs.ok()) all.insert(all.end(), seqs->begin(), seqs->end());
  };
  for (const auto& [key, part] : parts) take(*part->source);
  for (const SegmentPtr& s : segments) {
    if (!s->reader) continue;
    for (const auto& group : s->reader->row_groups()) take(*group);
  }
  std::sort(all.begin(), all.end());
  auto twice = std::adjacent_find(all.begin(), all.end());
  if (twice != all.end()) findings.push_back(fmt::format("_seq {} is in two places", *twice));
}

}  // namespace

std::vector<std::string> verify_engine(Engine& engine) {
  std::vector<std::string> findings;
  std::vector<SegmentPtr> segments = engine.catalog.all_segments();
  auto parts = engine.catalog.all_parts();
  for (const SegmentPtr& segment : segments) verify_segment(engine, *segment, findings);
  for (const auto& [key, part] : parts) {
    Status whole = part->source->verify();
    if (!whole.ok()) findings.push_back(fmt::format("part of _seq {}: {}", part->first_seq(), whole.error().message()));
  }
  verify_seqs(segments, parts, findings);
  const journal::RecoveryReport& journal = engine.recovered.journal;
  if (journal.damaged_records + journal.damaged_files > 0) {
    findings.push_back(fmt::format("journal: {} damaged records of {} bytes, {} damaged files", journal.damaged_records,
                                   journal.damaged_bytes, journal.damaged_files));
  }
  return findings;
}

}  // namespace clew::logstore
