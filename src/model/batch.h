// A Batch: the rows that one write adds to one dataset, as columns.
//
// Besides the fields of the documents a batch has columns of clew's own. Their names begin with `_` and they are made
// only when a row needs them:
//   _time    kTime, every row: the canonical @timestamp in nanoseconds. The field that it came from stays a column.
//   _raw     kString: the text line, where the event was one.
//   _shape   kString: how to rebuild the JSON document, see model/shape.h; absent for text lines.
//   _id      kString: the id that the client gave.
//   _index   kString: the name the client wrote to, where it differs from the dataset.
//   _flags   kInt: bits of Flag.
//   _rest    kString: fields beyond the first kColumnsMax, see model/rest.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "model/column.h"

namespace clew::model {

// Bits of `_flags`; on disk.
enum class Flag : uint32_t {
  kTruncated = 1u << 0,     // the line or a field was over a limit and was cut
  kAssumedZone = 1u << 1,   // the time had no zone
  kAssumedYear = 1u << 2,   // the time had no year
  kOddTime = 1u << 3,       // the time is unlikely: kept as text, the event lies in the day it arrived
  kParseError = 1u << 4,    // the line is not what its source promised; kept as text
  kRedacted = 1u << 5,      // a redaction rule replaced something
  kDuplicateKey = 1u << 6,  // a JSON key occurred twice; the last one won
  kInferred = 1u << 7,      // a value was inferred
  kBadUtf8 = 1u << 8,       // bytes that are no UTF-8 are kept as they came
  kArrivalTime = 1u << 9,   // no time in the event: the arrival time stands for it
};

constexpr uint32_t kColumnsMax = 1024;  // columns of a batch or row group of their own; further fields go to _rest
constexpr uint32_t kFieldNameBytesMax = 512;  // longer names are cut and hashed, flagged kTruncated

constexpr std::string_view kTimeField = "_time";
constexpr std::string_view kRawField = "_raw";
constexpr std::string_view kShapeField = "_shape";
constexpr std::string_view kIdField = "_id";
constexpr std::string_view kIndexField = "_index";
constexpr std::string_view kFlagsField = "_flags";
constexpr std::string_view kRestField = "_rest";

// Threads: one at a time. Reused through clear(): columns keep their memory.
class Batch {
 public:
  explicit Batch(std::string dataset = "logs") : dataset_(std::move(dataset)) {}
  Batch(Batch&&) noexcept = default;
  Batch& operator=(Batch&&) noexcept = default;

  const std::string& dataset() const { return dataset_; }
  void set_dataset(std::string dataset) { dataset_ = std::move(dataset); }

  uint32_t rows() const { return rows_; }
  // Begins the next row and gives its number; values go to the columns with that row.
  uint32_t begin_row() { return rows_++; }
  // Takes back the rows from `row` on.
  void truncate_rows(uint32_t row);

  // The column of that name, made when it is not there. Pointers stay valid until the batch goes.
  // Requires: name not empty, at most kFieldNameBytesMax bytes.
  Column* column(std::string_view name);
  Column* find(std::string_view name);
  const Column* find(std::string_view name) const;
  // In the order of their making; columns may be empty after clear().
  const std::vector<std::unique_ptr<Column>>& columns() const { return columns_; }

  // Adds bits to the flags of the row being built (the last one).
  void flag(Flag flag) { pending_flags_ |= static_cast<uint32_t>(flag); }
  bool has_flag(Flag flag) const { return (pending_flags_ & static_cast<uint32_t>(flag)) != 0; }
  // Writes the pending flags; every receiver calls it once at the end of each row.
  void end_row();

  // Forgets the rows, keeps the columns and their memory.
  void clear();
  size_t memory_bytes() const;

 private:
  std::string dataset_;
  uint32_t rows_ = 0;
  uint32_t pending_flags_ = 0;
  std::vector<std::unique_ptr<Column>> columns_;
  std::unordered_map<std::string_view, Column*> by_name_;  // keys live in the columns
};

}  // namespace clew::model
