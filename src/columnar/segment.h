// Segments: immutable files of row groups with a token index (docs/formats/segment.md).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/row_source.h"
#include "os/disk.h"

namespace clew::columnar {

// What a segment holds; all of it in the footer.
struct SegmentIdentity {
  std::string tenant;
  std::string dataset;
  int64_t day = 0;  // days since the epoch, UTC
  std::string retention_class;
};

struct SegmentSummary {
  uint64_t rows = 0;
  uint64_t file_bytes = 0;
  uint32_t row_groups = 0;
  int64_t time_min = 0;
  int64_t time_max = 0;
  uint64_t seq_min = 0;
  uint64_t seq_max = 0;
};

// Row `row` of source `source`.
struct RowRef {
  uint32_t source = 0;
  uint32_t row = 0;
};

// The words of one row group as the token index knows them.
struct GroupWords {
  std::string gaps;  // varints: the least hash, then the differences
  uint32_t count = 0;
  uint8_t hash_bits = 0;  // so many upper bits of text::word_hash are known
};

class SegmentReader;

// Threads: one.  Crash: the file counts for nothing until finish() returned ok and the manifest names it.
class SegmentWriter {
 public:
  virtual ~SegmentWriter() = default;
  // Adds one row group: the rows named, in that order, gathered column by column and encoded at full effort.
  // Requires: 1 to kGranuleRowsMax rows.
  virtual Status add_row_group(std::span<const RowSourcePtr> sources, std::span<const RowRef> rows) = 0;
  // Adds row group `group` of another segment by copying its bytes and its words. `from` outlives the writer's use.
  virtual Status copy_row_group(const SegmentReader& from, size_t group) = 0;
  // Writes index and footers and syncs the file. `commits` name all rows, rising by first_seq.
  virtual Result<SegmentSummary> finish(std::vector<CommitRange> commits) = 0;
};
// The file must not exist. Errors: kExists, kFull, kIo.
Result<std::unique_ptr<SegmentWriter>> create_segment(os::Disk& disk, const std::string& path,
                                                      SegmentIdentity identity);

// Order of rows inside a row group: by (service.name or a better low-cardinality key, time, _seq). Gives `rows` sorted
// so; the caller has cut them by time before.
Result<std::vector<RowRef>> sorted_for_row_group(std::span<const RowSourcePtr> sources, std::vector<RowRef> rows);

// Threads: all functions on any thread.
class SegmentReader {
 public:
  virtual ~SegmentReader() = default;
  virtual const SegmentIdentity& identity() const = 0;
  virtual const SegmentSummary& summary() const = 0;
  virtual const std::vector<CommitRange>& commits() const = 0;
  virtual const std::vector<RowSourcePtr>& row_groups() const = 0;
  // Row groups that may have a row matching `where`: statistics first, then the token index (one or two small reads).
  // One bool per row group; counts what was left out.
  virtual Result<std::vector<bool>> may_match(const contract::Predicate& where, contract::ScanStats& stats) const = 0;
  // Names and types of all fields, for the catalogue.
  virtual std::vector<contract::FieldInfo> fields() const = 0;
  // The token index turned around: the words of each row group. Reads all of it.
  // Errors: kCorrupt, kIo; kNotFound when the segment has none.
  virtual Result<std::vector<GroupWords>> words() const = 0;
  // Checks every checksum and invariant.
  virtual Status verify() const = 0;
};
// Reads the footer (its second copy when the first is damaged).
// Errors: kNotFound, kCorrupt, kUnsupported, kIo.
Result<std::shared_ptr<const SegmentReader>> open_segment(os::Disk& disk, const std::string& path);

}  // namespace clew::columnar
