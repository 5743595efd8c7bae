// The condition that makes an answer go on where another ended.
#pragma once

#include <optional>
#include <string>

#include "query/exec/scan.h"
#include "query/place.h"

namespace clew::query::exec {

// Keeps rows that are in the first answer's snapshot and lie behind a place in the scan's order.
class PageCondition final : public Condition {
 public:
  // `up_to` 0: all rows.
  PageCondition(contract::Order order, uint64_t up_to, std::optional<Place> after)
      : newest_(order == contract::Order::kNewestFirst), up_to_(up_to), after_(after) {}

  Status narrow(BlockReader& reader, model::Selection& rows) const override;
  bool may_match(const contract::Granule& granule) const override;
  std::string describe() const override;

 private:
  Status narrow_seqs(BlockReader& reader, model::Selection& rows) const;
  Status narrow_places(BlockReader& reader, model::Selection& rows) const;

  const bool newest_;
  const uint64_t up_to_;
  const std::optional<Place> after_;
};

// The part of the range that rows behind the place can lie in.
contract::TimeRange range_behind(contract::TimeRange range, contract::Order order, const Place& after);

}  // namespace clew::query::exec
