#include "query/exec/rows.h"

#include <algorithm>

#include <fmt/format.h>

namespace clew::query::exec {

namespace {

class FilterOperator final : public Operator {
 public:
  explicit FilterOperator(const expr::Bound& condition) : condition_(condition) {}
  Status push(Block block) override {
    BlockInputs inputs(block);
    model::Selection rows = expr::all_rows(block.rows);
    CLEW_TRY(evaluator_.filter(condition_, inputs, rows));
    if (rows.empty()) return {};
    return next_->push(gather(block, rows));
  }

 private:
  const expr::Bound& condition_;
  expr::Evaluator evaluator_;
};

class ComputeOperator final : public Operator {
 public:
  ComputeOperator(const std::vector<Computed>& columns, Run& run) : columns_(columns), run_(run) {}
  Status push(Block block) override {
    for (const Computed& column : columns_) {
      // One column of one block may be long work: texts that double.
      CLEW_TRY(run_.check());
      BlockInputs inputs(block);
      model::VectorPtr vector = CLEW_TRY(evaluator_.eval(*column.expr, inputs));
      block.set(column.out, std::move(vector));
    }
    return next_->push(std::move(block));
  }

 private:
  const std::vector<Computed>& columns_;
  Run& run_;
  expr::Evaluator evaluator_;
};

class HeadOperator final : public Operator {
 public:
  HeadOperator(uint64_t count, uint64_t from, HeadStep::Kind kind, Run& run)
      : count_(count), from_(from), kind_(kind), run_(run) {}

  Status push(Block block) override {
    uint64_t first = seen_;
    seen_ += block.rows;
    uint64_t begin = std::max(first, from_);
    uint64_t end = std::min(seen_, count_ > UINT64_MAX - from_ ? UINT64_MAX : from_ + count_);
    if (kind_ == HeadStep::Kind::kDefaultLimit && seen_ > count_) run_.cut_by_rows(count_);
    if (begin >= end) return {};
    if (begin == first && end == seen_) return next_->push(std::move(block));
    model::Selection rows;
    for (uint64_t row = begin; row < end; ++row) rows.push_back(static_cast<uint32_t>(row - first));
    return next_->push(gather(block, rows));
  }

  bool wants_more() const override {
    // The default limit looks at one row more, to know whether it cuts.
    uint64_t last = count_ > UINT64_MAX - from_ ? UINT64_MAX : from_ + count_;
    bool full = kind_ == HeadStep::Kind::kDefaultLimit ? seen_ > last : seen_ >= last;
    return !full && next_->wants_more();
  }

 private:
  const uint64_t count_;
  const uint64_t from_;
  const HeadStep::Kind kind_;
  Run& run_;
  uint64_t seen_ = 0;
};

class MapOperator final : public Operator {
 public:
  explicit MapOperator(const MapStep& step) : step_(step) {}
  Status push(Block block) override {
    CLEW_TRY(step_.map(block));
    return next_->push(std::move(block));
  }

 private:
  const MapStep& step_;
};

}  // namespace

void FilterStep::reads(std::vector<Slot>& out) const {
  for (uint32_t slot : expr::slots_of(*condition_)) out.push_back(slot);
}
void ComputeStep::reads(std::vector<Slot>& out) const {
  for (const Computed& column : columns_) {
    for (uint32_t slot : expr::slots_of(*column.expr)) out.push_back(slot);
  }
}
void HeadStep::reads(std::vector<Slot>&) const {}

std::unique_ptr<Operator> FilterStep::start(Run&) const { return std::make_unique<FilterOperator>(*condition_); }
std::unique_ptr<Operator> ComputeStep::start(Run& run) const {
  return std::make_unique<ComputeOperator>(columns_, run);
}
std::unique_ptr<Operator> MapStep::start(Run&) const { return std::make_unique<MapOperator>(*this); }

std::unique_ptr<Operator> HeadStep::start(Run& run) const {
  return std::make_unique<HeadOperator>(count_, from_, kind_, run);
}

std::string HeadStep::describe() const {
  return from_ == 0 ? fmt::format("{} {}", name(), count_) : fmt::format("{} {} from {}", name(), count_, from_);
}

uint64_t HeadStep::input_enough(uint64_t wanted) const {
  uint64_t own = std::min(wanted, kind_ == Kind::kDefaultLimit && count_ != UINT64_MAX ? count_ + 1 : count_);
  return own > UINT64_MAX - from_ ? UINT64_MAX : own + from_;
}

}  // namespace clew::query::exec
