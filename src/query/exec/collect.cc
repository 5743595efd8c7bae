#include "query/exec/collect.h"

#include <algorithm>

#include "query/exec/gather.h"
#include "query/exec/group.h"
#include "query/exec/subplan.h"

namespace clew::query::exec {

using model::VectorPtr;

namespace {

class DedupOperator final : public Operator {
 public:
  DedupOperator(const std::vector<Slot>& keys, DedupStep::Options options, Run& run)
      : keys_(keys), options_(options), grouper_(keys.size()), held_(run) {}

  Status push(Block block) override {
    std::vector<VectorPtr> columns;
    for (Slot slot : keys_) columns.push_back(column_of(block, slot));
    std::vector<uint32_t> groups;
    grouper_.assign(columns, block.rows, groups);
    seen_.resize(grouper_.groups());
    model::Selection kept;
    for (uint32_t row = 0; row < block.rows; ++row) {
      bool empty = !options_.nulls_are_keys && has_null(columns, row);
      if (empty ? options_.keep_empty : fresh(groups[row])) kept.push_back(row);
    }
    CLEW_TRY(held_.set(grouper_.memory_bytes() + seen_.size() * sizeof(uint64_t)));
    if (kept.empty()) return {};
    return next_->push(gather(block, kept));
  }

 private:
  static bool has_null(const std::vector<VectorPtr>& columns, uint32_t row) {
    return std::any_of(columns.begin(), columns.end(), [&](const VectorPtr& c) { return c->is_null(row); });
  }

  bool fresh(uint32_t group) {
    if (options_.consecutive && group != last_) seen_[group] = 0;
    last_ = group;
    return ++seen_[group] <= options_.count;
  }

  const std::vector<Slot>& keys_;
  const DedupStep::Options options_;
  Grouper grouper_;
  Held held_;
  std::vector<uint64_t> seen_;  // by group
  uint32_t last_ = UINT32_MAX;
};

// Keeps all blocks that come.
class Collector : public Operator {
 public:
  explicit Collector(Run& run) : run_(run), held_(run) {}
  Status push(Block block) override {
    CLEW_TRY(run_.check());
    CLEW_TRY(held_.add(memory_bytes(block)));
    blocks_.push_back(std::move(block));
    return {};
  }
  bool wants_more() const override { return true; }

 protected:
  Run& run_;
  Held held_;
  std::vector<Block> blocks_;
};

class ReverseOperator final : public Collector {
 public:
  using Collector::Collector;
  Status finish() override {
    for (size_t b = blocks_.size(); b-- > 0 && next_->wants_more();) {
      std::vector<RowRef> rows;
      for (uint32_t row = blocks_[b].rows; row-- > 0;) rows.push_back({0, row});
      CLEW_TRY(next_->push(gather(std::span<const Block>(&blocks_[b], 1), rows)));
    }
    return next_->finish();
  }
};

class EventAggregateOperator final : public Collector {
 public:
  EventAggregateOperator(const std::vector<GroupKey>& keys, const std::vector<AggregateCall>& calls, Run& run)
      : Collector(run), keys_(keys), calls_(calls), grouper_(keys.size()) {
    for (const AggregateCall& call : calls) states_.push_back(expr::make_aggregate(call.bound));
  }

  Status push(Block block) override {
    std::vector<uint32_t> groups(block.rows, 0);
    if (!keys_.empty()) {
      std::vector<VectorPtr> columns;
      for (const GroupKey& key : keys_) columns.push_back(column_of(block, key.in));
      grouper_.assign(columns, block.rows, groups);
    }
    BlockInputs inputs(block);
    for (size_t i = 0; i < calls_.size(); ++i) {
      std::vector<VectorPtr> args;
      for (const expr::BoundPtr& arg : calls_[i].bound.args) {
        VectorPtr vector = CLEW_TRY(evaluator_.eval(*arg, inputs));
        args.push_back(std::move(vector));
      }
      CLEW_TRY(states_[i]->update(args, block.rows, groups, count()));
    }
    CLEW_TRY(held_.add(groups.size() * sizeof(uint32_t)));
    groups_.push_back(std::move(groups));
    return Collector::push(std::move(block));
  }

  Status finish() override {
    std::vector<VectorPtr> results;
    for (auto& state : states_) {
      VectorPtr vector = CLEW_TRY(state->finish(count()));
      results.push_back(std::move(vector));
    }
    for (size_t b = 0; b < blocks_.size() && next_->wants_more(); ++b) {
      std::vector<RowRef> rows;
      for (uint32_t row = 0; row < blocks_[b].rows; ++row)
        rows.push_back({dropped(blocks_[b], row) ? 1u : 0u, groups_[b][row]});
      for (size_t i = 0; i < calls_.size(); ++i) {
        // Rows without a key that groups need get nothing.
        std::vector<VectorPtr> sources = {results[i], nullptr};
        blocks_[b].set(calls_[i].out, gather_column(sources, rows));
      }
      CLEW_TRY(next_->push(std::move(blocks_[b])));
    }
    return next_->finish();
  }

 private:
  uint32_t count() const { return keys_.empty() ? 1 : grouper_.groups(); }
  bool dropped(const Block& block, uint32_t row) const {
    return std::any_of(keys_.begin(), keys_.end(),
                       [&](const GroupKey& key) { return key.drop_null && column_of(block, key.in)->is_null(row); });
  }

  const std::vector<GroupKey>& keys_;
  const std::vector<AggregateCall>& calls_;
  Grouper grouper_;
  std::vector<std::unique_ptr<expr::Aggregate>> states_;
  std::vector<std::vector<uint32_t>> groups_;  // by block, by row
  expr::Evaluator evaluator_;
};

class AppendOperator final : public Operator {
 public:
  AppendOperator(contract::EventSource& source, const Plan& plan, const std::vector<Slot>& slots, Run& run)
      : source_(source), plan_(plan), slots_(slots), run_(run) {}
  Status push(Block block) override { return next_->push(std::move(block)); }
  Status finish() override {
    if (next_->wants_more()) CLEW_TRY(run_into(run_, source_, plan_, slots_, *next_));
    return next_->finish();
  }

 private:
  contract::EventSource& source_;
  const Plan& plan_;
  const std::vector<Slot>& slots_;
  Run& run_;
};

}  // namespace

std::unique_ptr<Operator> DedupStep::start(Run& run) const {
  return std::make_unique<DedupOperator>(keys_, options_, run);
}
std::unique_ptr<Operator> ReverseStep::start(Run& run) const { return std::make_unique<ReverseOperator>(run); }
std::unique_ptr<Operator> EventAggregateStep::start(Run& run) const {
  return std::make_unique<EventAggregateOperator>(keys_, calls_, run);
}
std::unique_ptr<Operator> AppendStep::start(Run& run) const {
  return std::make_unique<AppendOperator>(source_, *plan_, slots_, run);
}

void EventAggregateStep::reads(std::vector<Slot>& out) const { AggregateStep(keys_, calls_, "", "").reads(out); }

}  // namespace clew::query::exec
