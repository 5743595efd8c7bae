#include "columnar/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "columnar/block.h"
#include "columnar/part_format.h"
#include "columnar/row_group.h"
#include "columnar/segment_open.h"
#include "model/json_text.h"

namespace clew::columnar {
namespace {

constexpr std::array<std::string_view, 12> kKindNames = {"null",   "bool", "int",  "uint",  "decimal",      "float",
                                                         "number", "text", "time", "array", "empty object", "bytes"};

std::string time_text(int64_t time) {
  std::string out;
  model::append_rfc3339(time, out);
  return out;
}

std::string kinds_text(uint16_t kinds) {
  std::string out;
  for (size_t k = 0; k < kKindNames.size(); ++k) {
    if (!(kinds >> k & 1)) continue;
    if (!out.empty()) out += "+";
    out += kKindNames[k];
  }
  return out;
}

std::string stats_text(const Chunk& chunk) {
  const ChunkStats& s = chunk.stats;
  switch (s.form) {
    case StatsForm::kNone: return "";
    case StatsForm::kInts:
      if (chunk.kinds >> static_cast<int>(model::Kind::kTime) & 1) {
        return fmt::format(" [{} .. {}]", time_text(s.int_min), time_text(s.int_max));
      }
      return fmt::format(" [{} .. {}]", s.int_min, s.int_max);
    case StatsForm::kNumbers: return fmt::format(" [{} .. {}]", s.number_min, s.number_max);
    case StatsForm::kTexts: return fmt::format(" [{} .. {}]", quoted(s.text_min), quoted(s.text_max));
  }
  return "";
}

std::string dictionary_text(const DictionaryPlace& place) {
  if (place.form == DictionaryForm::kNone) return "";
  return fmt::format(", {} {}", place.entries, place.form == DictionaryForm::kTexts ? "entries" : "templates");
}

// Said where values are not the events' own.
std::string origins_text(model::Origins origins) {
  if (origins == 0 || origins == model::bit(model::Origin::kRecord)) return "";
  std::string out = ", from";
  for (int i = 0; i < model::kOriginCount; ++i) {
    if ((origins >> i & 1) != 0) out += fmt::format(" {}", model::origin_name(i));
  }
  return out;
}

std::string references_text(const Chunk& chunk) {
  if (chunk.text_form != TextForm::kComposed) return "";
  std::string out = ", composed of";
  for (const Reference& r : chunk.references) {
    out += r.of == Reference::Of::kTime ? fmt::format(" _time as {}", quoted(r.name)) : fmt::format(" {}", r.name);
  }
  return out;
}

void describe_group(const RowGroup& group, std::string& out) {
  const Directory& d = group.directory();
  out += fmt::format("  rows {}, {} .. {}, {} bytes\n", d.rows, time_text(d.time_min), time_text(d.time_max),
                     d.data_bytes);
  for (const Chunk& chunk : d.chunks) {
    out += fmt::format("  {}: {}, {} values, {} bytes{}{}{}{}\n", chunk.name, kinds_text(chunk.kinds), chunk.values,
                       chunk.stored_bytes(), origins_text(chunk.origins), dictionary_text(chunk.dictionary),
                       references_text(chunk), stats_text(chunk));
    Result<ChunkEntries> entries = group.entries(chunk, nullptr);
    if (!entries.ok()) out += fmt::format("    DAMAGED dictionary: {}\n", entries.error().message());
    for (uint32_t b = 0; b < chunk.blocks.size() && entries.ok(); ++b) {
      Result<BlockValues> values = group.block(chunk, b, *entries, nullptr);
      if (values.ok()) continue;
      out += fmt::format("    DAMAGED block {} at {}, {} bytes: {}\n", b, chunk.blocks[b].offset, chunk.blocks[b].bytes,
                         values.error().message());
    }
  }
  if (!d.rest_names.empty()) out += fmt::format("  {} more fields in _rest\n", d.rest_names.size());
}

}  // namespace

Result<std::string> describe_part(std::string_view bytes) {
  ByteSource source(std::make_shared<const std::string>(bytes));
  PartHead head = CLEW_TRY(read_part_head(source));
  std::string out =
      fmt::format("part version {}, dataset {}, {} bytes\n", kPartVersion, quoted(head.dataset), bytes.size());
  auto dataset = std::make_shared<const std::string>(head.dataset);
  RowGroup group(dataset, std::move(head.directory), source.from(head.data_offset), Seqs::kFromCommits,
                 std::make_shared<const std::vector<CommitRange>>());
  describe_group(group, out);
  return out;
}

Result<std::string> describe_segment(os::Disk& disk, const std::string& path) {
  OpenedTail opened = CLEW_TRY(open_segment_tail(disk, path));
  Tail& tail = opened.tail;
  const SegmentIdentity& id = tail.identity;
  std::string out = fmt::format("segment version {}, {} bytes\n", kSegmentVersion, tail.summary.file_bytes);
  out += opened.notes;
  out += fmt::format("tenant {}, dataset {}, day {}, retention class {}\n", quoted(id.tenant), quoted(id.dataset),
                     id.day, quoted(id.retention_class));
  out +=
      fmt::format("rows {}, {} .. {}, _seq {} .. {}, {} commits\n", tail.summary.rows, time_text(tail.summary.time_min),
                  time_text(tail.summary.time_max), tail.summary.seq_min, tail.summary.seq_max, tail.commits.size());
  out += fmt::format("index: {} entries of {} bits in {} pages\n", tail.index.entries, tail.index.hash_bits,
                     tail.index.pages.size());
  auto dataset = std::make_shared<const std::string>(id.dataset);
  auto commits = std::make_shared<const std::vector<CommitRange>>(tail.commits);
  for (size_t i = 0; i < tail.row_groups.size(); ++i) {
    RowGroupPlace& place = tail.row_groups[i];
    out += fmt::format("row group {} at {}\n", i, place.offset);
    ByteSource data(opened.file, place.offset, place.directory.data_bytes);
    RowGroup group(dataset, std::move(place.directory), data, Seqs::kColumn, commits);
    describe_group(group, out);
  }
  return out;
}

Result<std::map<std::string, uint64_t>> segment_bytes_by_column(os::Disk& disk, const std::string& path) {
  OpenedTail opened = CLEW_TRY(open_segment_tail(disk, path));
  std::map<std::string, uint64_t> bytes;
  uint64_t known = 0;
  for (const RowGroupPlace& place : opened.tail.row_groups) {
    for (const Chunk& chunk : place.directory.chunks) bytes[chunk.name] += chunk.stored_bytes();
    known += place.directory.data_bytes;
  }
  for (const IndexPage& page : opened.tail.index.pages) {
    bytes["(index)"] += page.bytes;
    known += page.bytes;
  }
  bytes["(tail)"] = opened.tail.summary.file_bytes - known;
  return bytes;
}

std::string describe_layout() {
  std::string out = "part\n";
  out += fmt::format("  magic {}\n  version {}\n  header bytes {}\n  rows at most {}\n", kPartMagic, kPartVersion,
                     kPartHeaderBytes, kPartRowsMax);
  out += fmt::format("segment\n  magic {}\n  version {}\n  trailer bytes {}\n", kSegmentMagic, kSegmentVersion,
                     kTrailerBytes);
  out += fmt::format("column\n  rows of a block {}\n  rows of a row group {}\n  dictionary entries at most {}\n",
                     kBlockRows, kRowGroupRowsMax, kDictionaryEntriesMax);
  for (size_t k = 0; k < kKindNames.size(); ++k) out += fmt::format("  kind {} {}\n", k, kKindNames[k]);
  return out;
}

}  // namespace clew::columnar
