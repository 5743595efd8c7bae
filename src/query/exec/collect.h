// Steps that look at many rows in their order: dedup, reverse, eventstats, append.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contract/event_source.h"
#include "query/exec/aggregate.h"
#include "query/exec/operator.h"
#include "query/exec/plan.h"

namespace clew::query::exec {

// The first `count` rows of every key, in input order.
class DedupStep final : public Step {
 public:
  struct Options {
    uint64_t count = 1;
    bool keep_empty = false;      // rows with a null in the key stay, all of them; else they go
    bool consecutive = false;     // only rows right behind each other count as repeated
    bool nulls_are_keys = false;  // null is a value like any other
  };
  DedupStep(std::vector<Slot> keys, Options options, std::string text)
      : keys_(std::move(keys)), options_(options), text_(std::move(text)) {}
  std::string name() const override { return "dedup"; }
  std::string describe() const override { return text_; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override { out.insert(out.end(), keys_.begin(), keys_.end()); }

 private:
  std::vector<Slot> keys_;
  Options options_;
  std::string text_;
};

class ReverseStep final : public Step {
 public:
  std::string name() const override { return "reverse"; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>&) const override {}
};

// Adds to every row the aggregates of its group.
class EventAggregateStep final : public Step {
 public:
  EventAggregateStep(std::vector<GroupKey> keys, std::vector<AggregateCall> calls, std::string text)
      : keys_(std::move(keys)), calls_(std::move(calls)), text_(std::move(text)) {}
  std::string name() const override { return "eventstats"; }
  std::string describe() const override { return text_; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  bool row_query() const override { return false; }

 private:
  std::vector<GroupKey> keys_;
  std::vector<AggregateCall> calls_;
  std::string text_;
};

// The rows of another plan below the own ones. `slots` names, for each column of that plan, the column here.
class AppendStep final : public Step {
 public:
  AppendStep(contract::EventSource& source, PlanPtr plan, std::vector<Slot> slots, std::string text)
      : source_(source), plan_(std::move(plan)), slots_(std::move(slots)), text_(std::move(text)) {}
  std::string name() const override { return "append"; }
  std::string describe() const override { return text_; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>&) const override {}
  bool row_query() const override { return plan_->row_query(); }

 private:
  contract::EventSource& source_;
  PlanPtr plan_;
  std::vector<Slot> slots_;
  std::string text_;
};

}  // namespace clew::query::exec
