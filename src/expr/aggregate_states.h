// The states behind Aggregate, one maker per kind. aggregate.cc knows the names.
#pragma once

#include <memory>

#include "expr/aggregate.h"

namespace clew::expr {

std::unique_ptr<Aggregate> make_count();     // of rows, or of values that are not null
std::unique_ptr<Aggregate> make_count_if();  // of values that are TRUE
std::unique_ptr<Aggregate> make_sum();
std::unique_ptr<Aggregate> make_average();
enum class Spread : uint8_t { kVarianceSample, kVariancePopulation, kDeviationSample, kDeviationPopulation };
std::unique_ptr<Aggregate> make_spread(Spread spread);

std::unique_ptr<Aggregate> make_extreme(bool largest);  // min, max
std::unique_ptr<Aggregate> make_distinct_count();
std::unique_ptr<Aggregate> make_percentile(double fraction);

std::unique_ptr<Aggregate> make_values();                         // sorted, each once, as text
std::unique_ptr<Aggregate> make_list(int64_t limit, bool texts);  // in row order; limit 0: all
std::unique_ptr<Aggregate> make_edge(bool last);                  // first, last
std::unique_ptr<Aggregate> make_by_time(bool latest);             // args: value, time
std::unique_ptr<Aggregate> make_mode();

// Calls f(row, group) for every row.
template <class F>
void for_rows(uint32_t rows, std::span<const uint32_t> groups, F f) {
  if (groups.empty()) {
    for (uint32_t row = 0; row < rows; ++row) f(row, 0u);
  } else {
    for (uint32_t row = 0; row < rows; ++row) f(row, groups[row]);
  }
}

}  // namespace clew::expr
