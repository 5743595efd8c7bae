// Functions over the samples of one series in a range.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "query/promql/annotations.h"
#include "query/promql/column.h"
#include "query/promql/functions.h"
#include "query/promql/options.h"

namespace clew::query::promql {

// Samples in the order of their times, staleness markers taken out.
struct Floats {
  const int64_t* times = nullptr;
  const double* values = nullptr;
  const int64_t* starts = nullptr;  // null: unknown
  size_t count = 0;
};
struct Histograms {
  const int64_t* times = nullptr;
  const HistogramPtr* values = nullptr;
  const int64_t* starts = nullptr;
  size_t count = 0;
};

// The samples of one step's range, (begin, end]; with an extension those next to it too.
struct Window {
  Floats floats;
  Histograms histograms;
  int64_t begin = 0;
  int64_t end = 0;
  int64_t now = 0;                     // the step's time: `end` without offset and @
  const double* parameters = nullptr;  // scalars of the call at this step
};

// What is the same for all windows of a series.
struct WindowCall {
  FunctionId function{};
  Extension extension = Extension::kNone;
  int64_t range_millis = 0;
  Span place;           // of the range argument
  Span quantile_place;  // of a quantile argument
  std::string_view metric;
  std::string_view type;  // __type__
  const Options* options = nullptr;
  Annotations* annotations = nullptr;
  mutable std::vector<double> spare;  // of one thread's call
};

struct WindowValue {
  bool some = false;
  double value = 0;
  HistogramPtr histogram;  // instead of the value
  static WindowValue none() { return {}; }
  static WindowValue of(double v) { return {true, v, nullptr}; }
  static WindowValue of(HistogramPtr h) { return {true, 0, std::move(h)}; }
};

using WindowFunction = WindowValue (*)(const Window&, const WindowCall&);
// Null for functions that do not look at ranges.
WindowFunction window_function(FunctionId function);

// rate.cc
WindowValue rate_of(const Window& window, const WindowCall& call);
WindowValue instant_rate_of(const Window& window, const WindowCall& call);
// rate_extended.cc
WindowValue extended_rate_of(const Window& window, const WindowCall& call);
// Says that something rate() was asked of may be no counter.
void tell_if_no_counter(const WindowCall& call);
// A sample that began to count after the one before it ended: a counter that was reset.
bool is_start_reset(int64_t previous_start, int64_t previous_time, int64_t start, int64_t time);
bool is_start_overlap(int64_t previous_start, int64_t previous_time, int64_t start);
constexpr bool is_counter_function(FunctionId f) {
  return f == FunctionId::kRate || f == FunctionId::kIncrease || f == FunctionId::kIrate;
}

// Where the ranges of a grid's steps lie.
struct RangeShape {
  Grid grid;
  int64_t shift = 0;  // of a range's end to the step's time: at + shift; with `pinned` the end itself
  bool pinned = false;
  int64_t range_millis = 0;
  int64_t lookback_millis = 0;  // what extensions may look beyond
  int64_t end_at(size_t step) const { return pinned ? shift : grid.at(step) + shift; }
};

// rate, increase and delta of a series of plain floats, for all steps at once.
void rate_column(const Floats& floats, const RangeShape& shape, FunctionId function, std::vector<uint32_t>& resets,
                 std::vector<double>& out);

}  // namespace clew::query::promql
