// Quantiles, fractions and spreads of distributions: native histograms, classic buckets, plain values.
#pragma once

#include <vector>

#include "query/promql/histogram.h"

namespace clew::query::promql {

// Of values in any order (they get sorted): interpolated; NaN without values, -Inf below 0, +Inf above 1.
double quantile_of(double q, std::vector<double>& values);

struct QuantileNote {
  bool nan_result = false;  // NaN observations reach up to the quantile
  bool nan_skew = false;    // NaN observations push it up
};
double histogram_quantile(double q, const Histogram& h, QuantileNote& note);
// The share of observations between lower and upper.
double histogram_fraction(double lower, double upper, const Histogram& h);
double histogram_variance(const Histogram& h);

struct ClassicBucket {
  double upper = 0;
  double count = 0;  // of all observations up to `upper`
};
struct ClassicNote {
  bool forced_monotonic = false;
};
// Buckets in any order; they get sorted and mended.
double classic_quantile(double q, std::vector<ClassicBucket>& buckets, ClassicNote& note);
double classic_fraction(double lower, double upper, std::vector<ClassicBucket>& buckets);

}  // namespace clew::query::promql
