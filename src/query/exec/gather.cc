#include "query/exec/gather.h"

namespace clew::query::exec {

namespace {

class GatherOperator final : public Operator {
 public:
  GatherOperator(const GatherStep& step, Run& run) : step_(step), run_(run), held_(run) {}
  Status push(Block block) override {
    CLEW_TRY(run_.check());
    CLEW_TRY(held_.add(memory_bytes(block)));
    blocks_.push_back(std::move(block));
    return {};
  }
  Status finish() override {
    CLEW_TRY(step_.make(run_, std::move(blocks_), *next_));
    return next_->finish();
  }
  bool wants_more() const override { return next_->wants_more(); }

 private:
  const GatherStep& step_;
  Run& run_;
  Held held_;
  std::vector<Block> blocks_;
};

}  // namespace

model::VectorPtr column_of(const Block& block, Slot slot) {
  return block.find(slot) == nullptr ? null_vector(block.rows) : block.at(slot);
}

std::vector<model::Value> values_of(const std::vector<Block>& blocks, Slot slot) {
  std::vector<model::Value> out;
  for (const Block& block : blocks) {
    model::VectorPtr column = column_of(block, slot);
    for (uint32_t row = 0; row < block.rows; ++row) out.push_back(column->value(row));
  }
  return out;
}

Status RowWriter::add(const std::vector<model::Value>& row) {
  for (size_t i = 0; i < slots_.size(); ++i) columns_[i].push_back(row[i]);
  return ++rows_ < run_.options().block_rows ? Status() : flush();
}

Status RowWriter::flush() {
  if (rows_ == 0) return {};
  CLEW_TRY(run_.check());
  Block block;
  block.rows = rows_;
  for (size_t i = 0; i < slots_.size(); ++i) {
    block.set(slots_[i], vector_of(columns_[i]));
    columns_[i].clear();
  }
  rows_ = 0;
  return next_.push(std::move(block));
}

std::unique_ptr<Operator> GatherStep::start(Run& run) const { return std::make_unique<GatherOperator>(*this, run); }

}  // namespace clew::query::exec
