// Joins: rows of the pipeline with rows of another plan.
//
// The other plan's rows are kept in memory, in a hash table of the values that must be equal. Rows of the pipeline pass
// by and meet their partners; a condition that is no equality is asked of every pair. Null is equal to nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/event_source.h"
#include "expr/bind.h"
#include "query/exec/operator.h"
#include "query/exec/plan.h"

namespace clew::query::exec {

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kSemi, kAnti, kCross };
std::string_view join_name(JoinKind kind);

struct JoinSpec {
  JoinKind kind = JoinKind::kInner;
  PlanPtr right;
  // Computed for each row before anything is compared: paths into objects.
  std::vector<StepPtr> left_steps;
  std::vector<StepPtr> right_steps;
  std::vector<expr::BoundPtr> left_keys;  // equal to right_keys of the same place
  std::vector<expr::BoundPtr> right_keys;
  expr::BoundPtr condition;      // of pairs whose keys are equal; null: none
  uint64_t partners_max = 0;     // of a row of the pipeline; 0: all
  std::vector<Slot> left_slots;  // what goes on
  std::vector<Slot> right_slots;
  // Columns made of two: the left one where it is not null, else the right one.
  struct Merged {
    Slot left = 0;
    Slot right = 0;
    Slot out = 0;
    bool right_first = false;
  };
  std::vector<Merged> merged;
};

class JoinStep final : public Step {
 public:
  JoinStep(contract::EventSource& source, JoinSpec spec, std::string name, std::string text)
      : source_(source), spec_(std::move(spec)), name_(std::move(name)), text_(std::move(text)) {}
  std::string name() const override { return name_; }
  std::string describe() const override;
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  bool row_query() const override { return false; }

 private:
  contract::EventSource& source_;
  JoinSpec spec_;
  std::string name_;
  std::string text_;
};

}  // namespace clew::query::exec
