// ExponentialHistogram: counts in buckets that grow by a factor, as OpenTelemetry has them; becomes a native histogram.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "model/metric.h"

namespace clew::wire {

constexpr int32_t kExponentialScaleMax = 8;    // of native histograms (their schema); finer ones are made coarser
constexpr int32_t kExponentialScaleMin = -4;   // coarser ones are refused
constexpr int32_t kExponentialScaleMost = 20;  // that is taken at all
constexpr double kZeroThresholdDefault = 1e-128;

// Bucket i of a side holds absolute values above 2^(i * 2^-scale), up to 2^((i+1) * 2^-scale).
//
// Threads: one at a time.
struct ExponentialHistogram {
  struct Side {
    int32_t offset = 0;  // the index of counts[0]
    std::vector<double> counts{};
  };
  int32_t scale = 0;
  double zero_threshold = kZeroThresholdDefault;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  Side positive{};
  Side negative{};

  // Half as fine, so many times.
  void coarsen(int32_t steps);
  // Adds the other's counts; the result is as fine as the coarser of both, and coarser as long as a side has more than
  // `buckets_max` buckets.
  void add(ExponentialHistogram other, size_t buckets_max);
  // Counts a value, `weight` times. NaN counts in `count` and `sum` only, infinities in the last bucket of their side.
  void observe(double value, double weight, size_t buckets_max);

  // Whether it may be worked with: hostile offsets would take memory without end.
  // Errors: kInvalid for a scale outside of kExponentialScaleMin to kExponentialScaleMost, and for buckets beyond what
  //         a double can hold.
  Status check() const;
  // Requires: check().
  model::HistogramPtr native() const;

 private:
  void limit(size_t buckets_max);
};

}  // namespace clew::wire
