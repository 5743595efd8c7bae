#include "query/exec/operator.h"

namespace clew::query::exec {

namespace {

// Stands before an operator and counts what goes in and how long it took, the operators behind it included.
class Meter final : public Operator {
 public:
  Meter(Run& run, StageMeter& meter, Operator* next) : run_(run), meter_(meter) { next_ = next; }
  Status push(Block block) override {
    meter_.rows_in.fetch_add(block.rows, std::memory_order_relaxed);
    uint64_t start = run_.elapsed_ns();
    Status status = next_->push(std::move(block));
    meter_.nanos.fetch_add(run_.elapsed_ns() - start, std::memory_order_relaxed);
    return status;
  }
  Status finish() override {
    uint64_t start = run_.elapsed_ns();
    Status status = next_->finish();
    meter_.nanos.fetch_add(run_.elapsed_ns() - start, std::memory_order_relaxed);
    return status;
  }

 private:
  Run& run_;
  StageMeter& meter_;
};

}  // namespace

Chain::Chain(const std::vector<StepPtr>& steps, size_t from, size_t to, Run& run, Operator* sink) : sink_(sink) {
  for (size_t i = from; i < to; ++i) {
    operators_.push_back(steps[i]->start(run));
    meters_.push_back(std::make_unique<Meter>(run, run.stage(i), operators_.back().get()));
  }
  for (size_t i = 0; i < operators_.size(); ++i) {
    operators_[i]->set_next(i + 1 < meters_.size() ? meters_[i + 1].get() : sink);
  }
}

}  // namespace clew::query::exec
