// Aggregation: rows to groups, groups to aggregates. What stats, top, rare, chart and timechart are made of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr/aggregate.h"
#include "query/exec/operator.h"
#include "query/exec/sort.h"

namespace clew::query::exec {

struct GroupKey {
  Slot in = 0;
  Slot out = 0;
  bool drop_null = false;  // rows without this key are left out
};

struct AggregateCall {
  expr::BoundAggregate bound;
  Slot out = 0;
};

// One key's values as series: all but the greatest become one (chart, timechart). The others' rows are aggregated
// together, not their results.
struct SeriesFold {
  size_t key = 0;      // place of the series' key
  uint64_t limit = 0;  // series that stay; 0: all
  bool least = false;  // the least stay instead
  bool keep_other = true;
  std::string other = "OTHER";
  bool keep_null = true;
  std::string null = "NULL";
};

// Groups come out ordered by their keys. Without keys there is one group, also of no rows.
class AggregateStep final : public Step {
 public:
  AggregateStep(std::vector<GroupKey> keys, std::vector<AggregateCall> calls, std::string name, std::string text);
  std::string name() const override { return name_; }
  std::string describe() const override { return text_; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  Needs needs() const override { return ordered_ ? Needs::kOrdered : Needs::kAny; }
  bool mergeable() const override { return !ordered_; }
  bool row_query() const override { return false; }

  bool folds() const { return fold_.has_value(); }
  // Requires: one aggregate.
  void fold_series(SeriesFold fold) { fold_ = std::move(fold); }
  const std::vector<GroupKey>& keys() const { return keys_; }
  const std::vector<AggregateCall>& calls() const { return calls_; }
  // Every aggregate is count() of rows.
  bool counts_rows() const;
  bool split_freely() const override;

 private:
  std::vector<GroupKey> keys_;
  std::vector<AggregateCall> calls_;
  std::string name_;
  std::string text_;
  bool ordered_ = false;
  std::optional<SeriesFold> fold_;
};

// Adds rows known by number only: `rows[i]` more rows in the group of row i of the keys.
// Requires: counts_rows(); `target` is this step's operator.
Status add_counts(Operator& target, const std::vector<model::VectorPtr>& keys, const std::vector<uint64_t>& counts);

// Only the first `limit` groups by `keys`, then by the groups' own order, will be looked at: others need not come out.
// Requires: `target` is the operator of an AggregateStep that does not fold.
void expect_first(Operator& target, std::vector<SortKey> keys, uint64_t limit);

}  // namespace clew::query::exec
