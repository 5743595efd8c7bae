#include "query/promql/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace clew::query::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Differences of counts below this share are rounding, not a count that goes down.
constexpr double kSmallDelta = 1e-12;

// A zero bucket of a histogram with buckets on one side only lies on that side.
void bend_zero_bucket(const Histogram& h, Bucket& bucket) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) {
    bucket.lower = 0;
  } else if (h.positive_buckets.empty() && !h.negative_buckets.empty()) {
    bucket.upper = 0;
  }
}

double between(double lower, double upper, double fraction) {
  double log_lower = std::log2(std::fabs(lower));
  double log_upper = std::log2(std::fabs(upper));
  if (lower > 0) return std::exp2(log_lower + (log_upper - log_lower) * fraction);
  return -std::exp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

double share_below(double value, const Bucket& bucket, bool linear) {
  if (linear) {
    if (std::isinf(bucket.lower)) return 0;  // all that is known is the upper bound
    return (value - bucket.lower) / (bucket.upper - bucket.lower);
  }
  double log_lower = std::log2(std::fabs(bucket.lower));
  double log_upper = std::log2(std::fabs(bucket.upper));
  double log_value = std::log2(std::fabs(value));
  if (value > 0) return (log_value - log_lower) / (log_upper - log_lower);
  return 1 - (log_value - log_upper) / (log_lower - log_upper);
}

// Counts up to two values, met by going through buckets in order.
struct Ranks {
  double lower;
  double upper;
  double lower_rank = 0;
  double upper_rank = 0;
  bool lower_set = false;
  bool upper_set = false;
  double rank = 0;

  void meet(const Bucket& bucket, bool linear) {
    step(lower, lower_rank, lower_set, bucket, linear);
    step(upper, upper_rank, upper_set, bucket, linear);
    rank += bucket.count;
  }
  double share(double count) {
    if (!lower_set || lower_rank > count) lower_rank = count;
    if (!upper_set || upper_rank > count) upper_rank = count;
    return (upper_rank - lower_rank) / count;
  }

 private:
  void step(double value, double& value_rank, bool& set, const Bucket& bucket, bool linear) const {
    if (set) return;
    if (bucket.lower >= value) {
      value_rank = rank;
      set = true;
    } else if (bucket.upper > value) {
      value_rank = rank + bucket.count * share_below(value, bucket, linear);
      set = true;
    }
  }
};

// Sorts, joins equal bounds; false without a last bucket of +Inf.
bool prepare(std::vector<ClassicBucket>& buckets) {
  std::sort(buckets.begin(), buckets.end(), [](const auto& a, const auto& b) { return a.upper < b.upper; });
  if (buckets.empty() || buckets.back().upper != kInfinity) return false;
  size_t kept = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper == buckets[kept].upper) {
      buckets[kept].count += buckets[i].count;
    } else {
      buckets[++kept] = buckets[i];
    }
  }
  buckets.resize(kept + 1);
  return true;
}

bool almost_equal(double a, double b) {
  double sum = std::fabs(a) + std::fabs(b);
  double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < std::numeric_limits<double>::min()) {
    return difference < kSmallDelta * std::numeric_limits<double>::min();
  }
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kSmallDelta;
}

bool make_monotonic(std::vector<ClassicBucket>& buckets) {
  bool forced = false;
  double before = buckets[0].count;
  for (size_t i = 1; i < buckets.size(); ++i) {
    double& count = buckets[i].count;
    if (almost_equal(before, count)) {
      count = before;
    } else if (count < before) {
      count = before;
      forced = true;
    } else {
      before = count;
    }
  }
  return forced;
}

}  // namespace

double quantile_of(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  // NaN sorts below all.
  std::sort(values.begin(), values.end(),
            [](double a, double b) { return a < b || (std::isnan(a) && !std::isnan(b)); });
  auto count = static_cast<double>(values.size());
  double rank = q * (count - 1);
  double low = std::max(0.0, std::floor(rank));
  double high = std::min(count - 1, low + 1);
  double weight = rank - std::floor(rank);
  return values[static_cast<size_t>(low)] * (1 - weight) + values[static_cast<size_t>(high)] * weight;
}

double histogram_quantile(double q, const Histogram& h, QuantileNote& note) {
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  if (h.count == 0 || std::isnan(q)) return kNan;
  // From the nearer end, so that little rounding adds up. NaN observations are in no bucket: then only from below.
  bool has_nan = std::isnan(h.sum);
  bool forward = has_nan || q < 0.5;
  double rank = (forward ? q : 1 - q) * h.count;
  std::vector<Bucket> buckets = all_buckets(h);
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  Bucket bucket;
  double count = 0;
  for (const Bucket& next : buckets) {
    if (next.count == 0) continue;
    bucket = next;
    count += next.count;
    if (count >= rank) break;
  }
  if (!h.custom() && bucket.lower < 0 && bucket.upper > 0) {
    bend_zero_bucket(h, bucket);
  } else if (h.custom()) {
    if (bucket.lower == -kInfinity) {
      if (bucket.upper <= 0) return bucket.upper;
      bucket.lower = 0;
    } else if (bucket.upper == kInfinity) {
      return bucket.lower;
    }
  }
  count = std::min(count, h.count);
  if (count < rank) {
    if (!has_nan) return bucket.upper;
    note.nan_result = true;
    return kNan;
  }
  rank = forward ? rank - (count - bucket.count) : count - rank;
  double fraction = rank / bucket.count;
  note.nan_skew = has_nan;
  if (h.custom() || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  return between(bucket.lower, bucket.upper, fraction);
}

double histogram_fraction(double lower, double upper, const Histogram& h) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  Ranks ranks{.lower = lower, .upper = upper};
  for (Bucket bucket : all_buckets(h)) {
    bool zero = !h.custom() && bucket.lower <= 0 && bucket.upper >= 0;
    if (zero) bend_zero_bucket(h, bucket);
    if (h.custom() && bucket.lower == -kInfinity && bucket.upper > 0) bucket.lower = 0;
    ranks.meet(bucket, zero || h.custom());
  }
  return ranks.share(h.count);
}

double histogram_variance(const Histogram& h) {
  double mean = h.sum / h.count;
  KahanSum variance;
  for (const Bucket& bucket : all_buckets(h)) {
    if (bucket.count == 0) continue;
    double value = 0;
    if (h.custom()) {
      // The unbounded ends count as their bound.
      double low = std::isinf(bucket.lower) ? std::min(bucket.upper, 0.0) : bucket.lower;
      double high = std::isinf(bucket.upper) ? low : bucket.upper;
      value = (low + high) / 2;
    } else if (bucket.lower > 0 || bucket.upper < 0) {
      value = std::sqrt(bucket.upper * bucket.lower);
      if (bucket.upper < 0) value = -value;
    }
    double delta = value - mean;
    variance.add(bucket.count * delta * delta);
  }
  return variance.total() / h.count;
}

double classic_quantile(double q, std::vector<ClassicBucket>& buckets, ClassicNote& note) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  if (!prepare(buckets)) return kNan;
  note.forced_monotonic = make_monotonic(buckets);
  if (buckets.size() < 2) return kNan;
  double observations = buckets.back().count;
  if (observations == 0) return kNan;
  double rank = q * observations;
  size_t b = 0;
  while (b + 1 < buckets.size() && !(buckets[b].count >= rank)) ++b;
  if (b + 1 == buckets.size()) return buckets[b - 1].upper;
  if (b == 0 && buckets[0].upper <= 0) return buckets[0].upper;
  double start = b > 0 ? buckets[b - 1].upper : 0;
  double before = b > 0 ? buckets[b - 1].count : 0;
  return start + (buckets[b].upper - start) * ((rank - before) / (buckets[b].count - before));
}

double classic_fraction(double lower, double upper, std::vector<ClassicBucket>& buckets) {
  if (!prepare(buckets)) return kNan;
  make_monotonic(buckets);
  double count = buckets.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  Ranks ranks{.lower = lower, .upper = upper};
  for (size_t i = 0; i < buckets.size(); ++i) {
    Bucket bucket;
    bucket.upper = buckets[i].upper;
    bucket.count = buckets[i].count - (i > 0 ? buckets[i - 1].count : 0);
    bucket.lower = i > 0 ? buckets[i - 1].upper : bucket.upper > 0 ? 0 : -kInfinity;
    ranks.meet(bucket, true);
  }
  return ranks.share(count);
}

}  // namespace clew::query::promql
