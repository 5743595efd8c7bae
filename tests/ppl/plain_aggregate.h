// Aggregates of the plain evaluator: all values of a group at once.
#pragma once

#include <string>
#include <vector>

#include "plain_table.h"

namespace clew::query::testing {

struct PlainResult {
  model::Value value;
  double slack = 0;  // how far it may be off, for it depends on the order of additions
  std::string why;   // not empty: there is none
};

// `values` are the argument's, row by row.
PlainResult plain_aggregate(const AggregateText& aggregate, const std::vector<model::Value>& values);

}  // namespace clew::query::testing
