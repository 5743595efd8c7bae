// Aggregates of the plain evaluator: all values of a group at once.
#pragma once

#include <optional>
#include <vector>

#include "plain_table.h"

namespace clew::query::testing {

// `values` are the argument's, row by row, `times` those of @timestamp. None: not to be told here (overflow, numbers so
// large that sums depend on their order). Sets `inexact` where the order of additions shows.
std::optional<model::Value> plain_aggregate(const AggregateText& aggregate, const std::vector<model::Value>& values,
                                            bool& inexact);

}  // namespace clew::query::testing
