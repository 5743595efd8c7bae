// GatherStep: a step that makes its rows out of all rows before it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "query/exec/operator.h"

namespace clew::query::exec {

// The column of a block, or nulls where nothing is carried there.
model::VectorPtr column_of(const Block& block, Slot slot);

// Values of a column, row by row, over all blocks.
std::vector<model::Value> values_of(const std::vector<Block>& blocks, Slot slot);

// Takes rows as values and pushes them on in blocks of the run's size.
//
// Threads: one at a time.
class RowWriter {
 public:
  RowWriter(Run& run, std::vector<Slot> slots, Operator& next) : run_(run), slots_(std::move(slots)), next_(next) {
    columns_.resize(slots_.size());
  }
  // One value per slot, in the order of the slots.
  Status add(const std::vector<model::Value>& row);
  Status flush();
  bool wants_more() const { return next_.wants_more(); }

 private:
  Run& run_;
  std::vector<Slot> slots_;
  Operator& next_;
  std::vector<std::vector<model::Value>> columns_;
  uint32_t rows_ = 0;
};

// Keeps all blocks that come, within the query's memory, and hands them to make().
class GatherStep : public Step {
 public:
  std::unique_ptr<Operator> start(Run& run) const final;
  // Makes the rows; `next` is not finished here.
  // Threads: any.
  virtual Status make(Run& run, std::vector<Block> blocks, Operator& next) const = 0;
};

}  // namespace clew::query::exec
