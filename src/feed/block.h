// Events of the feed, one block at a time, by their fields.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "contract/event_feed.h"
#include "model/vector.h"

namespace clew::feed {

// The chosen rows of one block of a granule, as rows 0, 1 ... ; columns are read when asked for, each once.
//
// Threads: one.
class Block {
 public:
  // Requires: the granule outlives it; rows as Granule::column() takes them.
  Block(const contract::Granule& granule, uint32_t block, model::Selection rows)
      : granule_(granule), block_(block), rows_(std::move(rows)) {}

  const std::string& dataset() const { return granule_.dataset(); }
  uint32_t rows() const { return static_cast<uint32_t>(rows_.size()); }
  // Errors: those of Granule::column().
  Result<model::VectorPtr> column(std::string_view field);
  // Leaves the rows of `kept` (positions among the rows now), in that order.
  Block narrowed(const model::Selection& kept) const;

 private:
  const contract::Granule& granule_;
  const uint32_t block_;
  const model::Selection rows_;
  std::map<std::string, model::VectorPtr, std::less<>> columns_;
};

// A column's values as texts: numbers and booleans as they print, arrays as JSON, null empty.
//
// Threads: one.
class Texts {
 public:
  explicit Texts(model::VectorPtr column) : column_(std::move(column)) {}
  // Lives as long as this.
  std::string_view at(uint32_t row);
  bool is_null(uint32_t row) const { return column_->is_null(row); }

 private:
  model::VectorPtr column_;
  std::deque<std::string> made_;
};

// A number, also one that is written as a text; nothing for what is none.
std::optional<double> number_at(const model::Vector& column, uint32_t row);

struct Visited {
  uint64_t rows = 0;
  uint64_t damaged_rows = 0;  // of blocks that cannot be read, left out
};

// Calls `take` for the rows of a piece, a block at a time, in no order. A block that it gives kCorrupt for is counted.
// Errors: kIo, and what else `take` gives.
Result<Visited> visit(const contract::FeedPiece& piece, const std::function<Status(Block& block)>& take);

}  // namespace clew::feed
