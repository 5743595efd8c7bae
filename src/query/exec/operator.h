// Operators and steps: the pipeline of a query.
//
// A Step is one bound command: frozen, shared by threads. An Operator is a step at work: rows are pushed into it, and
// it pushes what it makes into the next one. The scan may start a chain of operators on every lane of its granules
// (per-row steps, then the lane's own copy of a mergeable one) and joins the copies at the end in lane order, so that
// an answer does not depend on the number of threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/exec/block.h"
#include "query/exec/run.h"

namespace clew::query::exec {

// Threads: one at a time.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual Status push(Block block) = 0;
  // After the last push; pushes what is left and finishes the next.
  virtual Status finish() { return next_->finish(); }
  // False when further rows would be thrown away.
  virtual bool wants_more() const { return next_ == nullptr || next_->wants_more(); }
  // Takes over the state of another operator of the same step, as if its rows came after all rows pushed here.
  // Requires: Step::mergeable().
  virtual Status absorb(Operator&) { return Error(Code::kInternal, "this operator cannot be merged"); }

  void set_next(Operator* next) { next_ = next; }
  Operator* next() const { return next_; }

 protected:
  Operator* next_ = nullptr;
};

enum class Needs : uint8_t {
  kRow,      // every output row comes from one input row alone: any thread, any order, order kept
  kAny,      // looks at all rows, in any order
  kOrdered,  // looks at rows in the query's order
};

class Step {
 public:
  virtual ~Step() = default;
  virtual std::string name() const = 0;                    // the command: "where", "stats"
  virtual std::string describe() const { return name(); }  // for `explain`, one line
  virtual std::unique_ptr<Operator> start(Run& run) const = 0;
  // Slots of its input that it looks at; what no step and no output column reads is not fetched.
  virtual void reads(std::vector<Slot>& out) const = 0;
  virtual Needs needs() const { return Needs::kOrdered; }
  virtual bool mergeable() const { return false; }
  // However rows are dealt out to copies that are merged, the result is the same to the last bit (no sums of
  // fractions).
  virtual bool split_freely() const { return false; }
  // How many input rows are surely enough for the first `wanted` output rows; UINT64_MAX: not known before. Lets a scan
  // keep few candidates.
  virtual uint64_t input_enough(uint64_t) const { return UINT64_MAX; }
  // Gives the answer a row for every row that reaches it (false: rows are summed up, and a time limit is a failure).
  virtual bool row_query() const { return true; }
};
using StepPtr = std::shared_ptr<const Step>;

// Operators of `steps[from, to)`, linked, the last one to `sink`; rows and time of each are counted in run.stage(i).
class Chain {
 public:
  Chain(const std::vector<StepPtr>& steps, size_t from, size_t to, Run& run, Operator* sink);
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  // Where to push rows and finish.
  Operator& first() { return meters_.empty() ? *sink_ : *meters_.front(); }
  // The operators of the first and the last step themselves.  Requires: from < to.
  Operator& first_operator() { return *operators_.front(); }
  Operator& last_operator() { return *operators_.back(); }

 private:
  std::vector<std::unique_ptr<Operator>> operators_;
  std::vector<std::unique_ptr<Operator>> meters_;
  Operator* sink_;
};

}  // namespace clew::query::exec
