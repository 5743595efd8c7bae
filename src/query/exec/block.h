// Blocks: what flows between operators, at most a few thousand rows at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "expr/eval.h"
#include "model/vector.h"

namespace clew::query::exec {

// A place for one column; numbered over the whole query, so that a name's column never moves.
using Slot = uint32_t;

struct Block {
  uint32_t rows = 0;
  std::vector<model::VectorPtr> slots;  // null where nothing is carried at this point of the pipeline

  const model::VectorPtr& at(Slot slot) const { return slots[slot]; }
  // The column, or null when nothing is carried there.
  const model::Vector* find(Slot slot) const { return slot < slots.size() ? slots[slot].get() : nullptr; }
  void set(Slot slot, model::VectorPtr vector) {
    if (slot >= slots.size()) slots.resize(slot + 1);
    slots[slot] = std::move(vector);
  }
};

// A block as the input of expressions. The block outlives it.
class BlockInputs final : public expr::Inputs {
 public:
  explicit BlockInputs(const Block& block) : block_(block) {}
  uint32_t rows() const override { return block_.rows; }
  Result<model::VectorPtr> column(uint32_t slot, const model::Selection* rows) override;

 private:
  const Block& block_;
};

model::VectorPtr null_vector(uint32_t rows);
// The chosen rows of all columns; the block itself when all rows are chosen.
Block gather(const Block& block, const model::Selection& rows);

// Row `row` of block `block` in a list of blocks.
struct RowRef {
  uint32_t block = 0;
  uint32_t row = 0;
};
// One block of the rows named, in that order, out of several.
Block gather(std::span<const Block> blocks, std::span<const RowRef> rows);
// One column of such rows, from vectors by block (null: all rows null).
model::VectorPtr gather_column(std::span<const model::VectorPtr> columns, std::span<const RowRef> rows);

// A vector of single values; flat where they are of one type.
model::VectorPtr vector_of(const std::vector<model::Value>& values);

// The block with texts of its own: for the few rows of a block that are kept while the columns they came from go.
Block with_own_texts(Block block);

// About what the block's own bytes take; shared dictionaries count once per block.
uint64_t memory_bytes(const Block& block);
uint64_t memory_bytes(const model::Vector& vector);

}  // namespace clew::query::exec
