#include "query/promql/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "query/promql/duration.h"

namespace clew::query::promql {
namespace {

using model::BucketSpan;
using model::CounterReset;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class Visit>
void visit_buckets(const std::vector<BucketSpan>& spans, const std::vector<double>& buckets, Visit visit) {
  int32_t index = 0;
  size_t at = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && at < buckets.size(); ++i) visit(index++, buckets[at++]);
  }
}

CounterReset merged_reset(CounterReset a, CounterReset b, bool& collision) {
  if (a == b || a == CounterReset::kGauge) return a;
  if (b == CounterReset::kGauge) return b;
  if (a == CounterReset::kUnknown || b == CounterReset::kUnknown) return CounterReset::kUnknown;
  collision = true;
  return CounterReset::kUnknown;
}

std::vector<double> shared_bounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> shared;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(shared));
  return shared;
}

// The count of a bucket index in a histogram's positive or negative side, as a sorted list.
std::vector<std::pair<int32_t, double>> list_of(const std::vector<BucketSpan>& spans,
                                                const std::vector<double>& buckets) {
  std::vector<std::pair<int32_t, double>> list;
  visit_buckets(spans, buckets, [&](int32_t index, double count) {
    if (count != 0) list.emplace_back(index, count);
  });
  return list;
}

bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

bool any_less(const std::vector<std::pair<int32_t, double>>& current,
              const std::vector<std::pair<int32_t, double>>& previous) {
  auto at = current.begin();
  for (const auto& [index, count] : previous) {
    while (at != current.end() && at->first < index) ++at;
    double now = at != current.end() && at->first == index ? at->second : 0;
    if (now < count) return true;
  }
  return false;
}

}  // namespace

double exponential_bound(int32_t index, int32_t schema) {
  if (schema <= 0) {
    int64_t exponent = static_cast<int64_t>(index) << -schema;
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<int64_t>(exponent, -1100, 1100)));
  }
  int32_t per_octave = 1 << schema;
  int32_t fraction = index & (per_octave - 1);
  int32_t octave = index >> schema;
  if (fraction == 0 && octave == 1024) return std::numeric_limits<double>::max();
  return std::ldexp(std::exp2(static_cast<double>(fraction) / per_octave), octave);
}

std::vector<Bucket> all_buckets(const Histogram& h) {
  std::vector<Bucket> all;
  visit_buckets(h.negative_spans, h.negative_buckets, [&](int32_t index, double count) {
    all.push_back({-exponential_bound(index, h.schema), -exponential_bound(index - 1, h.schema), count, true, false});
  });
  std::reverse(all.begin(), all.end());
  if (h.zero_count != 0) all.push_back({-h.zero_threshold, h.zero_threshold, h.zero_count, true, true});
  visit_buckets(h.positive_spans, h.positive_buckets, [&](int32_t index, double count) {
    if (!h.custom()) {
      all.push_back({exponential_bound(index - 1, h.schema), exponential_bound(index, h.schema), count, false, true});
      return;
    }
    auto bound = [&](int32_t i) {
      if (i < 0) return -kInfinity;
      return static_cast<size_t>(i) < h.custom_bounds.size() ? h.custom_bounds[static_cast<size_t>(i)] : kInfinity;
    };
    all.push_back({bound(index - 1), bound(index), count, index == 0, true});
  });
  return all;
}

HistogramSum::Items HistogramSum::items_of(const std::vector<BucketSpan>& spans, const std::vector<double>& buckets,
                                           double factor) {
  Items items;
  items.reserve(buckets.size());
  visit_buckets(spans, buckets, [&](int32_t index, double count) { items.push_back({index, {count * factor, 0}}); });
  return items;
}

void HistogramSum::reduce(Items& items, int32_t delta) {
  size_t kept = 0;
  for (const Item& item : items) {
    int32_t index = ((item.index - 1) >> delta) + 1;
    if (kept > 0 && items[kept - 1].index == index) {
      items[kept - 1].sum.add(item.sum.value);
      items[kept - 1].sum.lost += item.sum.lost;
    } else {
      items[kept++] = {index, item.sum};
    }
  }
  items.resize(kept);
}

void HistogramSum::reduce_to(int32_t schema) {
  if (schema_ == model::kCustomBuckets || schema == model::kCustomBuckets || schema >= schema_) return;
  reduce(positive_, schema_ - schema);
  reduce(negative_, schema_ - schema);
  schema_ = schema;
}

void HistogramSum::merge(Items& into, const Items& from) {
  bool same = into.size() == from.size();
  for (size_t i = 0; same && i < from.size(); ++i) same = into[i].index == from[i].index;
  if (same) {
    for (size_t i = 0; i < from.size(); ++i) {
      into[i].sum.add(from[i].sum.value);
      into[i].sum.lost += from[i].sum.lost;
    }
    return;
  }
  Items merged;
  merged.reserve(into.size() + from.size());
  auto a = into.begin();
  auto b = from.begin();
  while (a != into.end() || b != from.end()) {
    if (b == from.end() || (a != into.end() && a->index < b->index)) {
      merged.push_back(*a++);
    } else if (a == into.end() || b->index < a->index) {
      merged.push_back(*b++);
    } else {
      merged.push_back(*a++);
      merged.back().sum.add(b->sum.value);
      merged.back().sum.lost += (b++)->sum.lost;
    }
  }
  into = std::move(merged);
}

double HistogramSum::widen_zero(double threshold) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const Items* side : {&positive_, &negative_}) {
      for (const Item& item : *side) {
        if (item.sum.value == 0) continue;
        double upper = exponential_bound(item.index, schema_);
        if (exponential_bound(item.index - 1, schema_) >= threshold || upper <= threshold) continue;
        threshold = upper;
        grown = true;
      }
    }
  }
  for (Items* side : {&positive_, &negative_}) {
    std::erase_if(*side, [&](const Item& item) {
      if (exponential_bound(item.index - 1, schema_) >= threshold) return false;
      zero_count_.add(item.sum.value);
      zero_count_.lost += item.sum.lost;
      return true;
    });
  }
  zero_threshold_ = threshold;
  return threshold;
}

void HistogramSum::map_bounds(Items& items, const std::vector<double>& from, const std::vector<double>& to) {
  Items mapped;
  for (const Item& item : items) {
    auto i = static_cast<size_t>(item.index);
    double upper = i < from.size() ? from[i] : kInfinity;
    auto index = static_cast<int32_t>(std::lower_bound(to.begin(), to.end(), upper) - to.begin());
    if (!mapped.empty() && mapped.back().index == index) {
      mapped.back().sum.add(item.sum.value);
      mapped.back().sum.lost += item.sum.lost;
    } else {
      mapped.push_back({index, item.sum});
    }
  }
  items = std::move(mapped);
}

AddOutcome HistogramSum::add(const Histogram& h, double factor) {
  HistogramSum other;
  other.empty_ = false;
  other.reset = h.reset;
  other.schema_ = h.schema;
  other.zero_threshold_ = h.zero_threshold;
  other.zero_count_ = {h.zero_count * factor, 0};
  other.count_ = {h.count * factor, 0};
  other.sum_ = {h.sum * factor, 0};
  other.positive_ = items_of(h.positive_spans, h.positive_buckets, factor);
  other.negative_ = items_of(h.negative_spans, h.negative_buckets, factor);
  other.bounds_ = h.custom_bounds;
  if (empty_) {
    *this = std::move(other);
    return {};
  }
  return add_parts(other);
}

AddOutcome HistogramSum::add_parts(HistogramSum& other) {
  AddOutcome outcome;
  bool custom = schema_ == model::kCustomBuckets;
  if (custom != (other.schema_ == model::kCustomBuckets)) {
    outcome.incompatible = true;
    return outcome;
  }
  if (custom) {
    if (bounds_ != other.bounds_) {
      std::vector<double> shared = shared_bounds(bounds_, other.bounds_);
      map_bounds(positive_, bounds_, shared);
      map_bounds(other.positive_, other.bounds_, shared);
      bounds_ = std::move(shared);
      outcome.reconciled = true;
    }
  } else {
    reduce_to(other.schema_);
    other.reduce_to(schema_);
    while (zero_threshold_ != other.zero_threshold_) {
      if (zero_threshold_ > other.zero_threshold_) {
        other.widen_zero(zero_threshold_);
      } else {
        widen_zero(other.zero_threshold_);
      }
    }
  }
  reset = merged_reset(reset, other.reset, outcome.collision);
  merge(positive_, other.positive_);
  merge(negative_, other.negative_);
  for (auto [into, from] :
       {std::pair{&zero_count_, &other.zero_count_}, {&count_, &other.count_}, {&sum_, &other.sum_}}) {
    into->add(from->value);
    into->lost += from->lost;
  }
  return outcome;
}

void HistogramSum::scale(double factor) {
  zero_count_.scale(factor);
  count_.scale(factor);
  sum_.scale(factor);
  for (Items* side : {&positive_, &negative_}) {
    for (Item& item : *side) item.sum.scale(factor);
  }
}

void HistogramSum::divide(double divisor) {
  zero_count_.divide(divisor);
  count_.divide(divisor);
  sum_.divide(divisor);
  for (Items* side : {&positive_, &negative_}) {
    for (Item& item : *side) item.sum.divide(divisor);
  }
}

bool HistogramSum::infinite() const {
  auto bad = [](const KahanSum& sum) { return std::isinf(sum.value); };
  auto side = [&](const Items& items) {
    return std::any_of(items.begin(), items.end(), [&](const Item& item) { return bad(item.sum); });
  };
  return bad(count_) || bad(sum_) || bad(zero_count_) || side(positive_) || side(negative_);
}

void HistogramSum::write(const Items& items, std::vector<BucketSpan>& spans, std::vector<double>& buckets) {
  int32_t next = 0;
  for (const Item& item : items) {
    double count = item.sum.total();
    if (count == 0) continue;
    if (spans.empty() || item.index != next) {
      spans.push_back({item.index - next, 0});
    }
    ++spans.back().length;
    next = item.index + 1;
    buckets.push_back(count);
  }
}

Histogram HistogramSum::result() const {
  Histogram h;
  h.schema = schema_;
  h.reset = reset;
  h.zero_threshold = zero_threshold_;
  h.zero_count = zero_count_.total();
  h.count = count_.total();
  h.sum = sum_.total();
  write(positive_, h.positive_spans, h.positive_buckets);
  write(negative_, h.negative_spans, h.negative_buckets);
  h.custom_bounds = bounds_;
  return h;
}

Histogram scaled(const Histogram& h, double factor) {
  Histogram out = h;
  out.whole = false;
  out.zero_count *= factor;
  out.count *= factor;
  out.sum *= factor;
  for (double& count : out.positive_buckets) count *= factor;
  for (double& count : out.negative_buckets) count *= factor;
  // What counts a negative number of times is no counter.
  if (factor < 0) out.reset = CounterReset::kGauge;
  return out;
}

Histogram divided(const Histogram& h, double divisor) {
  Histogram out = h;
  out.whole = false;
  out.zero_count /= divisor;
  out.count /= divisor;
  out.sum /= divisor;
  if (divisor < 0) out.reset = CounterReset::kGauge;
  if (divisor == 0) {
    // Counts are infinite or none at all: buckets say nothing any more.
    out.positive_spans.clear();
    out.negative_spans.clear();
    out.positive_buckets.clear();
    out.negative_buckets.clear();
    return out;
  }
  for (double& count : out.positive_buckets) count /= divisor;
  for (double& count : out.negative_buckets) count /= divisor;
  return out;
}

Histogram copy_to_schema(const Histogram& h, int32_t schema) {
  if (h.custom() || schema >= h.schema) return h;
  HistogramSum sum(h);
  sum.reduce_to(schema);
  return sum.result();
}

namespace {

bool reset_of_custom(const Histogram& current, const Histogram& previous) {
  if (current.custom_bounds == previous.custom_bounds) {
    return any_less(list_of(current.positive_spans, current.positive_buckets),
                    list_of(previous.positive_spans, previous.positive_buckets));
  }
  // Counts below each bound that both have.
  auto below = [](const Histogram& h, double bound) {
    double sum = 0;
    for (const Bucket& bucket : all_buckets(h)) sum += bucket.upper <= bound ? bucket.count : 0;
    return sum;
  };
  double before_current = 0;
  double before_previous = 0;
  std::vector<double> shared = shared_bounds(current.custom_bounds, previous.custom_bounds);
  shared.push_back(kInfinity);
  for (double bound : shared) {
    double now = below(current, bound);
    double then = below(previous, bound);
    if (now - before_current < then - before_previous) return true;
    before_current = now;
    before_previous = then;
  }
  return false;
}

}  // namespace

bool detect_reset(const Histogram& current, const Histogram& previous) {
  if (current.reset == CounterReset::kReset) return true;
  if (current.reset == CounterReset::kNotReset) return false;
  if (current.count < previous.count) return true;
  if (current.custom() != previous.custom()) return true;
  if (current.custom()) return reset_of_custom(current, previous);
  if (current.schema > previous.schema || current.zero_threshold < previous.zero_threshold) return true;
  Histogram before = previous;
  if (previous.schema != current.schema) before = copy_to_schema(previous, current.schema);
  if (previous.zero_threshold != current.zero_threshold) {
    HistogramSum sum(before);
    Histogram empty;
    empty.schema = current.schema;
    empty.zero_threshold = current.zero_threshold;
    (void)sum.add(empty, 1);
    before = sum.result();
    if (before.zero_threshold != current.zero_threshold) return true;
  }
  if (current.zero_count < before.zero_count) return true;
  return any_less(list_of(current.positive_spans, current.positive_buckets),
                  list_of(before.positive_spans, before.positive_buckets)) ||
         any_less(list_of(current.negative_spans, current.negative_buckets),
                  list_of(before.negative_spans, before.negative_buckets));
}

bool same_histogram(const Histogram& a, const Histogram& b) {
  if (a.schema != b.schema || !same_bits(a.count, b.count) || !same_bits(a.sum, b.sum)) return false;
  if (a.custom_bounds != b.custom_bounds) return false;
  if (!a.custom() && (a.zero_threshold != b.zero_threshold || !same_bits(a.zero_count, b.zero_count))) return false;
  return list_of(a.positive_spans, a.positive_buckets) == list_of(b.positive_spans, b.positive_buckets) &&
         list_of(a.negative_spans, a.negative_buckets) == list_of(b.negative_spans, b.negative_buckets);
}

std::string histogram_text(const Histogram& h) {
  std::string out = fmt::format("{{count:{}, sum:{}", number_text(h.count), number_text(h.sum));
  for (const Bucket& bucket : all_buckets(h)) {
    if (bucket.count == 0) continue;
    out += fmt::format(", {}{},{}{}:{}", bucket.lower_inclusive ? '[' : '(', number_text(bucket.lower),
                       number_text(bucket.upper), bucket.upper_inclusive ? ']' : ')', number_text(bucket.count));
  }
  return out + "}";
}

}  // namespace clew::query::promql
