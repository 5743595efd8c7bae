// RowSource: rows that lie encoded somewhere, as a part of the journal or a row group of a segment. What merging reads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "contract/event_sink.h"
#include "contract/event_source.h"

namespace clew::columnar {

// Events of one write: the `rows` events from `first_seq` on came with `key` at `commit_time`. The event `_seq` is row
// first_row + (_seq - first_seq) of its write; that number ends its `_id`. Of a part the ranges name exactly its rows,
// in order; of a segment they may also cover rows of the same writes that lie in other segments.
struct CommitRange {
  Seq first_seq;
  uint32_t rows = 0;
  contract::BatchKey key;
  UnixNanos commit_time;
  uint64_t first_row = 0;
  uint32_t write_rows = 0;  // of the whole write, all datasets: with first_seq - first_row the first answer again
};

// Bytes of rows taken out by a delete: one bit per row, null when none.
using DeletedRows = std::shared_ptr<const std::vector<bool>>;

// Of a row source no row has a _seq outside these.
struct SeqBounds {
  uint64_t min = 0;
  uint64_t max = UINT64_MAX;
};

// kWhole: the first access reads all bytes at once, as it suits who wants a few rows of many columns.
enum class Reading : uint8_t { kBlocks, kWhole };

// Threads: all functions on any thread.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual const std::string& dataset() const = 0;
  virtual uint32_t rows() const = 0;
  virtual int64_t time_min() const = 0;
  virtual int64_t time_max() const = 0;
  virtual uint64_t bytes() const = 0;  // encoded size
  // `_time` of every row, and its _seq.
  virtual Result<std::vector<int64_t>> times() const = 0;
  virtual Result<std::vector<uint64_t>> seqs() const = 0;
  // Cost: no reading.
  virtual SeqBounds seq_bounds() const = 0;
  // The same rows for queries; rows with _seq > up_to or in `deleted` are not alive.
  virtual contract::GranulePtr granule(Seq up_to, DeletedRows deleted, Reading reading = Reading::kBlocks) const = 0;
  // False: no row meets the condition, by what is in memory.
  virtual bool may_match(const contract::Predicate& where) const = 0;
  // True when the rows have a column of that name of their own, derived ones not counted.
  virtual bool stores(std::string_view column) const = 0;
  // Names and types of the fields, those that begin with `_` not counted. Cost: no reading.
  virtual std::vector<contract::FieldInfo> fields() const = 0;
  // Reads and decodes everything. Errors: the first that is found, with its column and block.
  virtual Status verify() const = 0;
};
using RowSourcePtr = std::shared_ptr<const RowSource>;

}  // namespace clew::columnar
