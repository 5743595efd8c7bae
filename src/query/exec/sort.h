// Sort, whole or of the first rows only.
#pragma once

#include <string>
#include <vector>

#include "query/exec/operator.h"
#include "query/exec/order.h"

namespace clew::query::exec {

struct SortKey {
  Slot slot = 0;
  bool descending = false;
  SortAs as = SortAs::kAuto;
};

// Nulls come first ascending, last descending. Equal rows stay in the order of their coming; rows that come on lanes
// have no such order, so their keys must end with @timestamp and _seq.
class SortStep final : public Step {
 public:
  SortStep(std::vector<SortKey> keys, uint64_t limit, std::string text)
      : keys_(std::move(keys)), limit_(limit), text_(std::move(text)) {}
  std::string name() const override { return "sort"; }
  std::string describe() const override;
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  Needs needs() const override { return Needs::kAny; }
  bool mergeable() const override { return true; }
  bool row_query() const override { return true; }

  // A copy that keeps fewer rows, or has further keys.
  std::shared_ptr<SortStep> with_limit(uint64_t limit) const;
  std::shared_ptr<SortStep> with_ties(std::vector<SortKey> ties) const;
  uint64_t limit() const { return limit_; }
  const std::vector<SortKey>& keys() const { return keys_; }

 private:
  std::vector<SortKey> keys_;
  uint64_t limit_;
  std::string text_;
};

// Row order of blocks by keys; ties by position.
std::vector<RowRef> sorted_rows(const std::vector<Block>& blocks, const std::vector<SortKey>& keys, uint64_t limit);

}  // namespace clew::query::exec
