#include "query/exec/sort.h"

#include <algorithm>

#include <fmt/format.h>

#include "query/exec/scan.h"

namespace clew::query::exec {

namespace {

// A limited sort drops what it cannot need once it holds this many rows more than twice its limit.
constexpr uint64_t kSlackRows = 64;

// Blocks of so few rows give up the dictionaries and texts of the whole block that they came from.
constexpr uint32_t kOwnRowsMax = 512;

class SortOperator final : public Operator, public Sieve {
 public:
  SortOperator(const std::vector<SortKey>& keys, uint64_t limit, Run& run)
      : keys_(keys), limit_(limit), run_(run), held_(run) {}

  Status push(Block block) override {
    if (full_) block = without_hopeless(std::move(block));
    if (block.rows == 0) return {};
    if (block.rows <= kOwnRowsMax) block = with_own_texts(std::move(block));
    rows_ += block.rows;
    bytes_ += memory_bytes(block);
    blocks_.push_back(std::move(block));
    if (limit_ < UINT64_MAX / 4 && rows_ > limit_ * 2 + kSlackRows) keep_best();
    return held_.set(bytes_);
  }

  Status absorb(Operator& other) override {
    auto& from = static_cast<SortOperator&>(other);
    std::vector<Block> blocks = std::move(from.blocks_);
    CLEW_TRY(from.held_.set(0));
    for (Block& block : blocks) CLEW_TRY(push(std::move(block)));
    return {};
  }

  Status finish() override {
    std::vector<RowRef> order = sorted_rows(blocks_, keys_, limit_);
    size_t most = run_.options().block_rows;
    for (size_t at = 0; at < order.size() && next_->wants_more(); at += most) {
      CLEW_TRY(run_.check());
      size_t rows = std::min(most, order.size() - at);
      CLEW_TRY(next_->push(gather(blocks_, std::span<const RowRef>(order).subspan(at, rows))));
    }
    return next_->finish();
  }

  bool wants_more() const override { return true; }

  Status leave_out(BlockReader& reader, model::Selection& rows) const override {
    if (!full_) return {};
    model::VectorPtr key = CLEW_TRY(reader.column(keys_[0].slot, &rows));
    model::Selection kept;
    for (uint32_t place : hopeful(*key, static_cast<uint32_t>(rows.size()))) kept.push_back(rows[place]);
    rows = std::move(kept);
    return {};
  }

 private:
  void keep_best() {
    Block best = gather(blocks_, sorted_rows(blocks_, keys_, limit_));
    rows_ = best.rows;
    bytes_ = memory_bytes(best);
    blocks_.clear();
    blocks_.push_back(std::move(best));
    full_ = limit_ > 0 && rows_ == limit_ && !keys_.empty();
    if (full_) note_worst();
  }

  // The first key of the last row kept: whatever comes strictly behind it is not among the first.
  void note_worst() {
    worst_texts_.clear();
    worst_column_ = gather(blocks_[0], {blocks_[0].rows - 1}).slots[keys_[0].slot];
    std::vector<SortCell> cells;
    if (worst_column_ == nullptr) worst_column_ = null_vector(1);
    sort_cells(*worst_column_, keys_[0].as, cells, worst_texts_);
    worst_ = cells[0];
  }

  Block without_hopeless(Block block) const {
    const model::Vector* key = block.find(keys_[0].slot);
    if (key == nullptr) return block;
    return gather(block, hopeful(*key, block.rows));
  }

  // Places of the rows whose first key does not come behind that of the last row kept.
  model::Selection hopeful(const model::Vector& key, uint32_t count) const {
    model::Selection rows;
    bool falls = keys_[0].descending;
    bool lane = key.type == model::Type::kLong && key.layout == model::Layout::kFlat && key.nulls.empty() &&
                keys_[0].as == SortAs::kAuto && worst_.rank == SortCell::Rank::kInt;
    if (lane) {
      for (uint32_t row = 0; row < count; ++row) {
        if (falls ? key.i64[row] >= worst_.i64 : key.i64[row] <= worst_.i64) rows.push_back(row);
      }
      return rows;
    }
    std::vector<SortCell> cells;
    std::vector<std::shared_ptr<const std::string>> texts;
    sort_cells(key, keys_[0].as, cells, texts);
    for (uint32_t row = 0; row < count; ++row) {
      int c = compare(cells[row], worst_);
      if (falls ? c >= 0 : c <= 0) rows.push_back(row);
    }
    return rows;
  }

  const std::vector<SortKey>& keys_;
  const uint64_t limit_;
  Run& run_;
  Held held_;
  std::vector<Block> blocks_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
  bool full_ = false;  // as many rows as the limit are kept, sorted, in blocks_[0]
  SortCell worst_;
  model::VectorPtr worst_column_;
  std::vector<std::shared_ptr<const std::string>> worst_texts_;
};

}  // namespace

std::vector<RowRef> sorted_rows(const std::vector<Block>& blocks, const std::vector<SortKey>& keys, uint64_t limit) {
  std::vector<RowRef> refs;
  std::vector<std::vector<SortCell>> cells(keys.size());
  std::vector<std::shared_ptr<const std::string>> texts;
  std::vector<model::VectorPtr> kept;
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    for (uint32_t row = 0; row < blocks[b].rows; ++row) refs.push_back({b, row});
    for (size_t k = 0; k < keys.size(); ++k) {
      Slot slot = keys[k].slot;
      bool there = slot < blocks[b].slots.size() && blocks[b].slots[slot] != nullptr;
      kept.push_back(there ? blocks[b].slots[slot] : null_vector(blocks[b].rows));
      sort_cells(*kept.back(), keys[k].as, cells[k], texts);
    }
  }
  std::vector<uint32_t> order(refs.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  auto before = [&](uint32_t a, uint32_t b) {
    for (size_t k = 0; k < keys.size(); ++k) {
      int c = compare(cells[k][a], cells[k][b]);
      if (c != 0) return keys[k].descending ? c > 0 : c < 0;
    }
    return a < b;
  };
  size_t wanted = static_cast<size_t>(std::min<uint64_t>(limit, order.size()));
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(wanted), order.end(), before);
  std::vector<RowRef> out;
  out.reserve(wanted);
  for (size_t i = 0; i < wanted; ++i) out.push_back(refs[order[i]]);
  return out;
}

std::string SortStep::describe() const {
  return limit_ == UINT64_MAX ? text_ : fmt::format("{} (keeps {} rows)", text_, limit_);
}

std::unique_ptr<Operator> SortStep::start(Run& run) const { return std::make_unique<SortOperator>(keys_, limit_, run); }

void SortStep::reads(std::vector<Slot>& out) const {
  for (const SortKey& key : keys_) out.push_back(key.slot);
}

std::shared_ptr<SortStep> SortStep::with_limit(uint64_t limit) const {
  return std::make_shared<SortStep>(keys_, std::min(limit, limit_), text_);
}

std::shared_ptr<SortStep> SortStep::with_ties(std::vector<SortKey> ties) const {
  std::vector<SortKey> keys = keys_;
  keys.insert(keys.end(), ties.begin(), ties.end());
  return std::make_shared<SortStep>(std::move(keys), limit_, text_);
}

}  // namespace clew::query::exec
