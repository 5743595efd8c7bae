#include "wire/exponential_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

namespace clew::wire {
namespace {

using Side = ExponentialHistogram::Side;

constexpr int32_t kShiftMax = 31;
constexpr int64_t kExponentLeast = -1088;  // of the least double, -1074, with room to round at the coarsest scale
constexpr int64_t kExponentMost = 1040;
constexpr size_t kGapMax = 2;  // empty buckets that are cheaper written than left out

void trim(Side& side) {
  while (!side.counts.empty() && side.counts.back() == 0) side.counts.pop_back();
  size_t zeros = 0;
  while (zeros < side.counts.size() && side.counts[zeros] == 0) ++zeros;
  if (zeros == 0) return;
  side.counts.erase(side.counts.begin(), side.counts.begin() + static_cast<std::ptrdiff_t>(zeros));
  side.offset += static_cast<int32_t>(zeros);
}

void coarsen_side(Side& side, int32_t steps) {
  if (side.counts.empty()) return;
  steps = std::min(steps, kShiftMax);
  int32_t first = side.offset >> steps;
  for (size_t i = 0; i < side.counts.size(); ++i) {
    double count = side.counts[i];
    side.counts[i] = 0;
    int64_t index = (int64_t{side.offset} + static_cast<int64_t>(i)) >> steps;
    side.counts[static_cast<size_t>(index - first)] += count;
  }
  int64_t last = (int64_t{side.offset} + static_cast<int64_t>(side.counts.size()) - 1) >> steps;
  side.counts.resize(static_cast<size_t>(last - first) + 1);
  side.offset = first;
}

// How many buckets a side has that holds both.
size_t width_of(const Side& a, const Side& b) {
  if (a.counts.empty()) return b.counts.size();
  if (b.counts.empty()) return a.counts.size();
  int64_t first = std::min(a.offset, b.offset);
  int64_t last = std::max(int64_t{a.offset} + static_cast<int64_t>(a.counts.size()),
                          int64_t{b.offset} + static_cast<int64_t>(b.counts.size()));
  return static_cast<size_t>(last - first);
}

// Requires: the same scale.
void add_side(Side& to, const Side& from) {
  if (from.counts.empty()) return;
  if (to.counts.empty()) {
    to = from;
    return;
  }
  if (from.offset < to.offset) {
    to.counts.insert(to.counts.begin(), static_cast<size_t>(to.offset - from.offset), 0.0);
    to.offset = from.offset;
  }
  size_t shift = static_cast<size_t>(from.offset - to.offset);
  if (to.counts.size() < shift + from.counts.size()) to.counts.resize(shift + from.counts.size());
  for (size_t i = 0; i < from.counts.size(); ++i) to.counts[shift + i] += from.counts[i];
}

void append_spans(const Side& side, std::vector<model::BucketSpan>& spans, std::vector<double>& buckets) {
  int64_t next = 0;  // the index behind the last span, as native histograms count: one above OpenTelemetry's
  for (size_t i = 0; i < side.counts.size(); ++i) {
    if (side.counts[i] == 0) continue;
    int64_t index = int64_t{side.offset} + static_cast<int64_t>(i) + 1;
    if (spans.empty() || index - next > static_cast<int64_t>(kGapMax)) {
      spans.push_back({static_cast<int32_t>(index - next), 0});
    } else {
      spans.back().length += static_cast<uint32_t>(index - next);
      buckets.resize(buckets.size() + static_cast<size_t>(index - next));
    }
    ++spans.back().length;
    buckets.push_back(side.counts[i]);
    next = index + 1;
  }
}

bool is_whole(double v) { return std::floor(v) == v; }

// The index of a bucket of scale 0 or of a finer one; powers of two lie on bounds and need no logarithm.
int32_t index_of(double value, int32_t scale) {
  int exponent = 0;
  double mantissa = std::frexp(value, &exponent);  // of [0.5, 1)
  bool power = mantissa == 0.5;
  int32_t whole = exponent - 1;  // floor(log2(value))
  if (scale <= 0) return (power ? whole - 1 : whole) >> -scale;
  if (power) return (whole << scale) - 1;
  double fraction = std::log2(mantissa * 2);  // of (0, 1)
  auto inside = static_cast<int32_t>(std::ceil(std::ldexp(fraction, scale))) - 1;
  return (whole << scale) + std::clamp(inside, 0, (1 << scale) - 1);
}

}  // namespace

void ExponentialHistogram::coarsen(int32_t steps) {
  if (steps <= 0) return;
  coarsen_side(positive, steps);
  coarsen_side(negative, steps);
  scale -= steps;
}

void ExponentialHistogram::limit(size_t buckets_max) {
  trim(positive);
  trim(negative);
  while (std::max(positive.counts.size(), negative.counts.size()) > buckets_max && scale > kExponentialScaleMin)
    coarsen(1);
}

void ExponentialHistogram::add(ExponentialHistogram other, size_t buckets_max) {
  trim(positive);
  trim(negative);
  trim(other.positive);
  trim(other.negative);
  coarsen(scale - other.scale);
  other.coarsen(other.scale - scale);
  // Two that lie far apart would be wide before they are coarsened.
  while (std::max(width_of(positive, other.positive), width_of(negative, other.negative)) > buckets_max &&
         scale > kExponentialScaleMin) {
    coarsen(1);
    other.coarsen(1);
  }
  add_side(positive, other.positive);
  add_side(negative, other.negative);
  zero_threshold = std::max(zero_threshold, other.zero_threshold);
  zero_count += other.zero_count;
  count += other.count;
  sum += other.sum;
  limit(buckets_max);
}

void ExponentialHistogram::observe(double value, double weight, size_t buckets_max) {
  count += weight;
  sum += value * weight;
  if (std::isnan(value)) return;
  double size = std::min(std::fabs(value), std::numeric_limits<double>::max());
  if (size <= zero_threshold) {
    zero_count += weight;
    return;
  }
  Side& side = value > 0 ? positive : negative;
  while (true) {
    int32_t index = index_of(size, scale);
    int64_t first = side.counts.empty() ? index : std::min(side.offset, index);
    int64_t end = side.counts.empty()
                      ? int64_t{index} + 1
                      : std::max(int64_t{side.offset} + static_cast<int64_t>(side.counts.size()), int64_t{index} + 1);
    if (end - first > static_cast<int64_t>(buckets_max) && scale > kExponentialScaleMin) {
      coarsen(1);
      continue;
    }
    add_side(side, {index, {weight}});
    return;
  }
}

Status ExponentialHistogram::check() const {
  if (scale < kExponentialScaleMin || scale > kExponentialScaleMost) {
    return Error(Code::kInvalid, "an exponential histogram of scale " + std::to_string(scale) + ", not of " +
                                     std::to_string(kExponentialScaleMin) + " to " +
                                     std::to_string(kExponentialScaleMost));
  }
  auto bound = [this](int64_t exponent) { return scale >= 0 ? exponent * (int64_t{1} << scale) : exponent >> -scale; };
  for (const Side* side : {&positive, &negative}) {
    if (side->counts.empty()) continue;
    int64_t end = int64_t{side->offset} + static_cast<int64_t>(side->counts.size());
    if (side->offset >= bound(kExponentLeast) && end <= bound(kExponentMost)) continue;
    return Error(Code::kInvalid, "buckets " + std::to_string(side->offset) + " to " + std::to_string(end - 1) +
                                     " of scale " + std::to_string(scale) + " lie beyond what a number can be");
  }
  return {};
}

model::HistogramPtr ExponentialHistogram::native() const {
  if (scale > kExponentialScaleMax) {
    ExponentialHistogram coarser = *this;
    coarser.coarsen(scale - kExponentialScaleMax);
    return coarser.native();
  }
  auto out = std::make_shared<model::Histogram>();
  out->schema = scale;
  out->zero_threshold = zero_threshold > 0 ? zero_threshold : kZeroThresholdDefault;
  out->zero_count = zero_count;
  out->count = count;
  out->sum = sum;
  append_spans(positive, out->positive_spans, out->positive_buckets);
  append_spans(negative, out->negative_spans, out->negative_buckets);
  auto all_whole = [](const std::vector<double>& counts) {
    return std::all_of(counts.begin(), counts.end(), is_whole);
  };
  out->whole =
      is_whole(count) && is_whole(zero_count) && all_whole(out->positive_buckets) && all_whole(out->negative_buckets);
  return out;
}

}  // namespace clew::wire
