// Arithmetic of native histograms: sums, differences, resets, comparison, text.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/metric.h"

namespace clew::query::promql {

using model::Histogram;
using model::HistogramPtr;

// A number as the sum of many, with what rounding has lost (Kahan, Neumaier).
struct KahanSum {
  double value = 0;
  double lost = 0;
  // Knuth's TwoSum: what the addition lost, exactly and without a branch.
  void add(double x) {
    double total = value + x;
    double added = total - value;
    double error = (value - (total - added)) + (x - added);
    lost = std::isinf(total) ? 0 : lost + error;
    value = total;
  }
  void scale(double factor) {
    value *= factor;
    lost *= factor;
  }
  void divide(double divisor) {
    value /= divisor;
    lost /= divisor;
  }
  // What was lost in sums that overflowed means nothing.
  double total() const { return value + lost; }
};

struct Bucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = true;
};
// All buckets that are there, from the lowest to the highest, the zero bucket among them when it has a count.
std::vector<Bucket> all_buckets(const Histogram& h);
// Upper bound of a positive bucket of an exponential schema.
double exponential_bound(int32_t index, int32_t schema);

// What adding has met.
struct AddOutcome {
  bool incompatible = false;  // exponential with custom buckets: nothing was added
  bool reconciled = false;    // custom bounds differed: those shared are left
  bool collision = false;     // one says it began anew, the other that it went on
};

// HistogramSum adds histograms up, whatever their schemas, zero buckets and bounds.
class HistogramSum {
 public:
  HistogramSum() = default;
  explicit HistogramSum(const Histogram& first) { add(first, 1); }

  // Adds factor times h. Hints of resets merge as additions merge them.
  AddOutcome add(const Histogram& h, double factor);
  AddOutcome subtract(const Histogram& h) { return add(h, -1); }
  void scale(double factor);
  // Not the same as scaling by the inverse, which is rounded.
  void divide(double divisor);
  // Coarser buckets; a finer schema is a no-op.
  void reduce_to(int32_t schema);
  bool empty() const { return empty_; }
  // Some number of it has overflowed.
  bool infinite() const;
  model::CounterReset reset = model::CounterReset::kUnknown;
  // Without empty buckets.
  Histogram result() const;
  HistogramPtr share() const { return std::make_shared<const Histogram>(result()); }

 private:
  struct Item {
    int32_t index;
    KahanSum sum;
  };
  using Items = std::vector<Item>;
  static Items items_of(const std::vector<model::BucketSpan>& spans, const std::vector<double>& buckets, double factor);
  static void reduce(Items& items, int32_t delta);
  static void merge(Items& into, const Items& from);
  // Puts buckets below the threshold into the zero bucket; gives the threshold that this comes to.
  double widen_zero(double threshold);
  static void map_bounds(Items& items, const std::vector<double>& from, const std::vector<double>& to);
  static void write(const Items& items, std::vector<model::BucketSpan>& spans, std::vector<double>& buckets);
  AddOutcome add_parts(HistogramSum& other);

  bool empty_ = true;
  int32_t schema_ = 0;
  double zero_threshold_ = 0;
  KahanSum zero_count_, count_, sum_;
  Items positive_, negative_;
  std::vector<double> bounds_;
};

Histogram scaled(const Histogram& h, double factor);
Histogram divided(const Histogram& h, double divisor);
Histogram copy_to_schema(const Histogram& h, int32_t schema);
// Whether a counter began anew between the two.
bool detect_reset(const Histogram& current, const Histogram& previous);
// Bit by bit; empty buckets count as none, hints do not count.
bool same_histogram(const Histogram& a, const Histogram& b);
// {count:4, sum:5, [-0.001,0.001]:1, (0.5,1]:3}
std::string histogram_text(const Histogram& h);

}  // namespace clew::query::promql
