#include "query/exec/subplan.h"

#include <fmt/format.h>

#include "query/exec/gather.h"

namespace clew::query::exec {

namespace {

// Puts the columns of another plan where the pipeline has them.
class Remap final : public Operator {
 public:
  Remap(const Plan& plan, const std::vector<Slot>& slots, Operator& target)
      : plan_(plan), slots_(slots), target_(target) {}
  Status push(Block block) override {
    Block out;
    out.rows = block.rows;
    for (size_t i = 0; i < plan_.columns.size(); ++i) out.set(slots_[i], column_of(block, plan_.columns[i].slot));
    return target_.push(std::move(out));
  }
  Status finish() override { return {}; }
  bool wants_more() const override { return target_.wants_more(); }

 private:
  const Plan& plan_;
  const std::vector<Slot>& slots_;
  Operator& target_;
};

class Keeper final : public Operator {
 public:
  Keeper(Run& run, Held& held, uint64_t rows_max, std::string_view limit_name)
      : run_(run), held_(held), rows_max_(rows_max), limit_name_(limit_name) {}
  Status push(Block block) override {
    CLEW_TRY(run_.check());
    rows_ += block.rows;
    if (rows_max_ != 0 && rows_ > rows_max_) {
      return Error(Code::kLimit, fmt::format("{} is {} rows; narrow the subsearch with where, dedup or head",
                                             limit_name_, rows_max_));
    }
    CLEW_TRY(held_.add(memory_bytes(block)));
    blocks_.push_back(std::move(block));
    return {};
  }
  Status finish() override { return {}; }
  bool wants_more() const override { return true; }
  std::vector<Block> take() { return std::move(blocks_); }

 private:
  Run& run_;
  Held& held_;
  const uint64_t rows_max_;
  std::string_view limit_name_;
  uint64_t rows_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace

Status run_into(Run& run, contract::EventSource& source, const Plan& plan, const std::vector<Slot>& slots,
                Operator& target) {
  Remap remap(plan, slots, target);
  return execute(run, source, plan, remap);
}

Result<std::vector<Block>> collect_rows(Run& run, contract::EventSource& source, const Plan& plan, Held& held,
                                        uint64_t rows_max, std::string_view limit_name) {
  Keeper keeper(run, held, rows_max, limit_name);
  CLEW_TRY(execute(run, source, plan, keeper));
  return keeper.take();
}

}  // namespace clew::query::exec
