// Values of one series at the steps of a query.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "model/metric.h"

namespace clew::query::promql {

using model::Histogram;
using model::HistogramPtr;

// Steps of an evaluation: start, start + step, ... `count` of them, at least one.
struct Grid {
  int64_t start = 0;  // milliseconds
  int64_t step = 1;
  size_t count = 1;
  int64_t at(size_t i) const { return start + static_cast<int64_t>(i) * step; }
  int64_t end() const { return at(count - 1); }
};

// At a step without a float. No computation gives these bits, and staleness markers never get into columns.
inline double absent() { return model::stale_value(); }
inline bool is_absent(double value) { return std::bit_cast<uint64_t>(value) == model::kStaleBits; }

// One value per step: a float, a histogram (then the float is absent), or nothing.
struct Column {
  std::vector<double> values;
  std::vector<HistogramPtr> histograms;  // empty while there are none

  void reset(size_t count) {
    values.assign(count, absent());
    histograms.clear();
  }
  const HistogramPtr& histogram(size_t i) const {
    static const HistogramPtr kNone;
    return histograms.empty() ? kNone : histograms[i];
  }
  bool has_histogram(size_t i) const { return !histograms.empty() && histograms[i] != nullptr; }
  bool present(size_t i) const { return !is_absent(values[i]) || has_histogram(i); }
  void set(size_t i, HistogramPtr h) {
    if (histograms.empty()) histograms.resize(values.size());
    histograms[i] = std::move(h);
    values[i] = absent();
  }
  void clear(size_t i) {
    values[i] = absent();
    if (!histograms.empty()) histograms[i] = nullptr;
  }
  bool any() const {
    for (size_t i = 0; i < values.size(); ++i) {
      if (present(i)) return true;
    }
    return false;
  }
  uint64_t bytes() const { return values.size() * 8 + histograms.size() * 16; }
};

}  // namespace clew::query::promql
