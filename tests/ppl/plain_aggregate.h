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

// `values` are the argument's, row by row, and `times` those of @timestamp (null where it is no column).
PlainResult plain_aggregate(const AggregateText& aggregate, const std::vector<model::Value>& values,
                            const std::vector<model::Value>& times);

// A value as text.
std::string printed(const model::Value& value);

}  // namespace clew::query::testing
