// What a question for the heaviest values is answered with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/event_source.h"
#include "sketch/space_saving.h"
#include "topk/question.h"

namespace clew::topk {

struct TopRow {
  std::vector<std::string> values;  // of the fields asked by
  double sum = 0;
  double error = 0;  // by how much it may be too great
};

struct TopAnswer {
  std::vector<TopRow> rows;  // heaviest first
  double total = 0;          // of all, also those not shown
  uint64_t keys = 0;         // different values; at least so many where it is not exact
  double bound = 0;          // what a value that is not kept may come to at most; 0: exact
  uint64_t events = 0;       // counted
  uint64_t without = 0;      // that lack a field of `by`, or a number to add up
  uint64_t damaged_rows = 0;
  contract::TimeRange range;  // ns
  std::string promql;         // of a metric: what was asked of PromQL
  bool is_exact() const { return bound == 0 && damaged_rows == 0; }
};

// The rows of a sketch.
void put_rows(const sketch::SpaceSaving& sketch, uint64_t rows, TopAnswer& answer);

}  // namespace clew::topk
