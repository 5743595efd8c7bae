#include "query/exec/join.h"

#include <algorithm>

#include <absl/container/flat_hash_map.h>

#include "query/exec/gather.h"
#include "query/exec/group.h"
#include "query/exec/rows.h"
#include "query/exec/subplan.h"

namespace clew::query::exec {

using model::VectorPtr;

namespace {

constexpr uint32_t kPairsMax = 4096;  // looked at together
constexpr uint64_t kEntryBytes = 48;  // of a row in the table, besides its key

// Pushes through row-by-row steps without operators of their own.
Status apply(const std::vector<StepPtr>& steps, Block& block) {
  for (const StepPtr& step : steps) {
    const auto* map = dynamic_cast<const MapStep*>(step.get());
    if (map == nullptr) return Error(Code::kInternal, "a join condition cannot need this step");
    CLEW_TRY(map->map(block));
  }
  return {};
}

class JoinOperator final : public Operator {
 public:
  JoinOperator(contract::EventSource& source, const JoinSpec& spec, Run& run)
      : source_(source), spec_(spec), run_(run), held_(run) {}

  Status push(Block block) override {
    CLEW_TRY(load());
    CLEW_TRY(apply(spec_.left_steps, block));
    left_ = std::move(block);
    matches_.assign(left_.rows, 0);
    std::vector<std::string> keys = CLEW_TRY(keys_of(left_, spec_.left_keys));
    for (uint32_t row = 0; row < left_.rows && next_->wants_more(); ++row) {
      if (spec_.left_keys.empty()) {
        CLEW_TRY(pair_with_all(row));
      } else if (!keys[row].empty()) {
        auto found = table_.find(keys[row]);
        if (found != table_.end()) CLEW_TRY(pair_with(row, found->second));
      }
      pairs_.push_back({row, nobody()});
    }
    CLEW_TRY(flush_pairs());
    return hand_on_left();
  }

  Status finish() override {
    CLEW_TRY(load());
    bool rest = spec_.kind == JoinKind::kRight || spec_.kind == JoinKind::kFull;
    if (rest) CLEW_TRY(hand_on_right());
    return next_->finish();
  }

 private:
  // Bytes of the key of every row, empty where a part is null.
  Result<std::vector<std::string>> keys_of(const Block& block, const std::vector<expr::BoundPtr>& exprs) {
    std::vector<std::string> out(exprs.empty() ? 0 : block.rows);
    std::vector<bool> null(out.size());
    BlockInputs inputs(block);
    for (const expr::BoundPtr& expr : exprs) {
      VectorPtr values = CLEW_TRY(evaluator_.eval(*expr, inputs));
      for (uint32_t row = 0; row < block.rows; ++row) {
        if (values->is_null(row))
          null[row] = true;
        else
          append_key(*values, row, out[row]);
      }
    }
    for (size_t row = 0; row < out.size(); ++row) {
      if (null[row]) out[row].clear();
    }
    return out;
  }

  // Stands behind the partners of a row; what goes on with it when there were none has only nulls on the right.
  RowRef nobody() const { return {static_cast<uint32_t>(right_.size() - 1), 0}; }

  Status load() {
    if (loaded_) return {};
    loaded_ = true;
    right_ = CLEW_TRY(collect_rows(run_, source_, *spec_.right, held_, 0, "the right side of a join"));
    for (uint32_t b = 0; b < right_.size(); ++b) {
      CLEW_TRY(run_.check());
      CLEW_TRY(apply(spec_.right_steps, right_[b]));
      used_.emplace_back(right_[b].rows);
      std::vector<std::string> keys = CLEW_TRY(keys_of(right_[b], spec_.right_keys));
      uint64_t bytes = 0;
      for (uint32_t row = 0; row < keys.size(); ++row) {
        if (keys[row].empty()) continue;
        bytes += kEntryBytes + keys[row].size();
        table_[keys[row]].push_back({b, row});
      }
      CLEW_TRY(held_.add(bytes));
    }
    right_blocks_ = static_cast<uint32_t>(right_.size());
    right_.emplace_back().rows = 1;
    return {};
  }

  Status pair_with(uint32_t row, const std::vector<RowRef>& partners) {
    for (RowRef partner : partners) {
      bool more = CLEW_TRY(pair(row, partner));
      if (!more) return {};
    }
    return {};
  }

  Status pair_with_all(uint32_t row) {
    for (uint32_t b = 0; b < right_blocks_; ++b) {
      for (uint32_t r = 0; r < right_[b].rows; ++r) {
        bool more = CLEW_TRY(pair(row, {b, r}));
        if (!more) return {};
      }
    }
    return {};
  }

  // False when the row has met as many partners as it may.
  Result<bool> pair(uint32_t row, RowRef partner) {
    pairs_.push_back({row, partner});
    if (pairs_.size() >= kPairsMax) CLEW_TRY(flush_pairs());
    bool one = spec_.kind == JoinKind::kSemi || spec_.kind == JoinKind::kAnti;
    uint64_t most = one ? 1 : spec_.partners_max;
    if (spec_.condition != nullptr) return most == 0 || matches_[row] < most;
    return most == 0 || ++candidates_of(row) < most;
  }

  // Pairs of this row made so far, when every pair counts.
  uint64_t& candidates_of(uint32_t row) {
    if (row != counted_row_) {
      counted_row_ = row;
      counted_ = 0;
    }
    return counted_;
  }

  struct Pair {
    uint32_t left = 0;
    RowRef right;
  };

  Block block_of(const std::vector<Pair>& pairs) const {
    std::vector<RowRef> left;
    std::vector<RowRef> right;
    for (const Pair& pair : pairs) {
      left.push_back({0, pair.left});
      right.push_back(pair.right);
    }
    Block out = gather(std::span<const Block>(&left_, 1), left);
    Block beside = gather(right_, right);
    for (size_t slot = 0; slot < beside.slots.size(); ++slot) {
      if (beside.slots[slot] != nullptr) out.set(static_cast<Slot>(slot), beside.slots[slot]);
    }
    return out;
  }

  Status flush_pairs() {
    counted_row_ = UINT32_MAX;
    if (pairs_.empty()) return {};
    CLEW_TRY(run_.check());
    std::vector<Pair> pairs = std::exchange(pairs_, {});
    Block block = block_of(pairs);
    model::Selection kept = expr::all_rows(block.rows);
    if (spec_.condition != nullptr) {
      BlockInputs inputs(block);
      CLEW_TRY(evaluator_.filter(*spec_.condition, inputs, kept));
    }
    model::Selection given = chosen(pairs, kept);
    bool pairs_go_on = spec_.kind != JoinKind::kSemi && spec_.kind != JoinKind::kAnti;
    if (!pairs_go_on || given.empty()) return {};
    return hand_on(gather(block, given));
  }

  // Of the pairs, in their order, those that go on; `kept` are the ones that meet the condition.
  model::Selection chosen(const std::vector<Pair>& pairs, const model::Selection& kept) {
    bool alone_too = spec_.kind == JoinKind::kLeft || spec_.kind == JoinKind::kFull;
    model::Selection given;
    size_t next_kept = 0;
    for (uint32_t i = 0; i < pairs.size(); ++i) {
      bool meets = next_kept < kept.size() && kept[next_kept] == i;
      next_kept += meets ? 1 : 0;
      uint64_t& matches = matches_[pairs[i].left];
      if (pairs[i].right.block == right_blocks_) {
        if (alone_too && matches == 0) given.push_back(i);
        continue;
      }
      if (!meets || (spec_.partners_max != 0 && matches >= spec_.partners_max)) continue;
      ++matches;
      used_[pairs[i].right.block][pairs[i].right.row] = true;
      given.push_back(i);
    }
    return given;
  }

  // Rows of the pipeline that go on by themselves: with a partner somewhere, or without.
  Status hand_on_left() {
    bool lonely = spec_.kind == JoinKind::kAnti;
    if (!lonely && spec_.kind != JoinKind::kSemi) return {};
    model::Selection rows;
    for (uint32_t row = 0; row < left_.rows; ++row) {
      if ((matches_[row] == 0) == lonely) rows.push_back(row);
    }
    return rows.empty() ? Status() : hand_on(gather(left_, rows));
  }

  Status hand_on_right() {
    for (uint32_t b = 0; b < right_blocks_ && next_->wants_more(); ++b) {
      model::Selection rows;
      for (uint32_t row = 0; row < right_[b].rows; ++row) {
        if (!used_[b][row]) rows.push_back(row);
      }
      if (!rows.empty()) CLEW_TRY(hand_on(gather(right_[b], rows)));
    }
    return {};
  }

  Status hand_on(Block block) {
    Block out;
    out.rows = block.rows;
    for (Slot slot : spec_.left_slots) out.set(slot, column_of(block, slot));
    for (Slot slot : spec_.right_slots) out.set(slot, column_of(block, slot));
    for (const JoinSpec::Merged& merged : spec_.merged) out.set(merged.out, merge(block, merged));
    return next_->push(std::move(out));
  }

  static VectorPtr merge(const Block& block, const JoinSpec::Merged& merged) {
    std::vector<VectorPtr> columns = {column_of(block, merged.left), column_of(block, merged.right)};
    if (merged.right_first) std::swap(columns[0], columns[1]);
    std::vector<RowRef> refs;
    for (uint32_t row = 0; row < block.rows; ++row) refs.push_back({columns[0]->is_null(row) ? 1u : 0u, row});
    return gather_column(columns, refs);
  }

  contract::EventSource& source_;
  const JoinSpec& spec_;
  Run& run_;
  Held held_;
  expr::Evaluator evaluator_;
  bool loaded_ = false;
  std::vector<Block> right_;  // and, last, a row of nulls
  uint32_t right_blocks_ = 0;
  std::vector<std::vector<bool>> used_;  // rows of the right side that met a partner
  absl::flat_hash_map<std::string, std::vector<RowRef>> table_;
  Block left_;
  std::vector<uint64_t> matches_;  // by row of left_
  std::vector<Pair> pairs_;
  uint32_t counted_row_ = UINT32_MAX;
  uint64_t counted_ = 0;
};

}  // namespace

std::string_view join_name(JoinKind kind) {
  switch (kind) {
    case JoinKind::kInner: return "inner";
    case JoinKind::kLeft: return "left";
    case JoinKind::kRight: return "right";
    case JoinKind::kFull: return "full";
    case JoinKind::kSemi: return "semi";
    case JoinKind::kAnti: return "anti";
    case JoinKind::kCross: return "cross";
  }
  return "";
}

std::unique_ptr<Operator> JoinStep::start(Run& run) const {
  return std::make_unique<JoinOperator>(source_, spec_, run);
}

std::string JoinStep::describe() const {
  std::string out = text_;
  out += spec_.left_keys.empty() ? " (every pair is compared)"
                                 : " (hashed by " + std::to_string(spec_.left_keys.size()) + " values)";
  return out;
}

void JoinStep::reads(std::vector<Slot>& out) const {
  auto add = [&](const expr::Bound& bound) {
    for (uint32_t slot : expr::slots_of(bound)) out.push_back(slot);
  };
  for (const StepPtr& step : spec_.left_steps) step->reads(out);
  for (const expr::BoundPtr& key : spec_.left_keys) add(*key);
  if (spec_.condition != nullptr) add(*spec_.condition);
  out.insert(out.end(), spec_.left_slots.begin(), spec_.left_slots.end());
  for (const JoinSpec::Merged& merged : spec_.merged) out.push_back(merged.left);
}

}  // namespace clew::query::exec
