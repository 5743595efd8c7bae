// Functions over ranges: *_over_time, changes, resets, deriv, predict_linear ...
#include <algorithm>
#include <cmath>
#include <limits>

#include "query/promql/histogram.h"
#include "query/promql/quantile.h"
#include "query/promql/window.h"

namespace clew::query::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What only floats have. False without any; histograms beside them are told.
bool only_floats(const Window& window, const WindowCall& call) {
  if (window.floats.count == 0) return false;
  if (window.histograms.count > 0) call.annotations->ignored_in_range(call.place, call.metric);
  return true;
}

bool mixed(const Window& window, const WindowCall& call) {
  if (window.floats.count == 0 || window.histograms.count == 0) return false;
  call.annotations->mixed_floats_histograms(call.place, call.metric);
  return true;
}

// Tells what adding histograms has met; false when they do not go together.
class HistogramTeller {
 public:
  explicit HistogramTeller(const WindowCall& call) : call_(call) {}
  bool meet(const Histogram& h, AddOutcome outcome) {
    went_on_ |= h.reset == model::CounterReset::kNotReset;
    began_ |= h.reset == model::CounterReset::kReset;
    if (outcome.incompatible) {
      call_.annotations->mixed_exponential_custom(call_.place, call_.metric);
      return false;
    }
    if (outcome.reconciled) call_.annotations->mismatched_bounds(call_.place, "aggregation");
    return true;
  }
  ~HistogramTeller() {
    if (went_on_ && began_) call_.annotations->reset_collision(call_.place, "aggregation");
  }

 private:
  const WindowCall& call_;
  bool went_on_ = false;
  bool began_ = false;
};

WindowValue sum_histograms(const Window& window, const WindowCall& call) {
  HistogramSum sum;
  HistogramTeller teller(call);
  for (size_t i = 0; i < window.histograms.count; ++i) {
    const Histogram& h = *window.histograms.values[i];
    if (!teller.meet(h, sum.add(h, 1))) return WindowValue::none();
  }
  return WindowValue::of(sum.share());
}

WindowValue sum_over_time(const Window& window, const WindowCall& call) {
  if (mixed(window, call)) return WindowValue::none();
  if (window.histograms.count > 0) return sum_histograms(window, call);
  if (window.floats.count == 0) return WindowValue::none();
  KahanSum sum;
  for (size_t i = 0; i < window.floats.count; ++i) sum.add(window.floats.values[i]);
  return WindowValue::of(sum.total());
}

WindowValue average_histograms(const Window& window, const WindowCall& call) {
  HistogramSum sum;
  HistogramTeller teller(call);
  bool running_mean = false;
  for (size_t i = 0; i < window.histograms.count; ++i) {
    const Histogram& h = *window.histograms.values[i];
    auto count = static_cast<double>(i + 1);
    if (!running_mean) {
      HistogramSum next = sum;
      if (!teller.meet(h, next.add(h, 1))) return WindowValue::none();
      if (i == 0 || !next.infinite()) {
        sum = std::move(next);
        continue;
      }
      // The sum overflows where a mean does not.
      running_mean = true;
      sum.divide(count - 1);
    }
    sum.scale((count - 1) / count);
    if (!teller.meet(h, sum.add(divided(h, count), 1))) return WindowValue::none();
  }
  if (!running_mean) sum.divide(static_cast<double>(window.histograms.count));
  return WindowValue::of(sum.share());
}

WindowValue avg_over_time(const Window& window, const WindowCall& call) {
  if (mixed(window, call)) return WindowValue::none();
  if (window.histograms.count > 0) return average_histograms(window, call);
  if (window.floats.count == 0) return WindowValue::none();
  KahanSum sum;
  bool running_mean = false;
  for (size_t i = 0; i < window.floats.count; ++i) {
    double x = window.floats.values[i];
    auto count = static_cast<double>(i + 1);
    if (!running_mean) {
      KahanSum next = sum;
      next.add(x);
      if (i == 0 || !std::isinf(next.value)) {
        sum = next;
        continue;
      }
      running_mean = true;
      sum = {sum.value / (count - 1), sum.lost / (count - 1)};
    }
    sum.scale((count - 1) / count);
    sum.add(x / count);
  }
  if (running_mean) return WindowValue::of(sum.total());
  auto count = static_cast<double>(window.floats.count);
  return WindowValue::of(sum.value / count + sum.lost / count);
}

WindowValue count_over_time(const Window& window, const WindowCall&) {
  size_t count = window.floats.count + window.histograms.count;
  return count == 0 ? WindowValue::none() : WindowValue::of(static_cast<double>(count));
}

WindowValue present_over_time(const Window& window, const WindowCall& call) {
  return count_over_time(window, call).some ? WindowValue::of(1.0) : WindowValue::none();
}

WindowValue edge_over_time(const Window& window, bool last, bool time_wanted) {
  size_t f = window.floats.count;
  size_t h = window.histograms.count;
  if (f + h == 0) return WindowValue::none();
  size_t fi = last ? f - 1 : 0;
  size_t hi = last ? h - 1 : 0;
  bool histogram = f == 0 || (h > 0 && (last ? window.histograms.times[hi] > window.floats.times[fi]
                                             : window.histograms.times[hi] < window.floats.times[fi]));
  if (time_wanted) {
    return WindowValue::of(static_cast<double>(histogram ? window.histograms.times[hi] : window.floats.times[fi]) /
                           1000);
  }
  return histogram ? WindowValue::of(window.histograms.values[hi]) : WindowValue::of(window.floats.values[fi]);
}

WindowValue last_over_time(const Window& w, const WindowCall&) { return edge_over_time(w, true, false); }
WindowValue first_over_time(const Window& w, const WindowCall&) { return edge_over_time(w, false, false); }
WindowValue ts_of_last(const Window& w, const WindowCall&) { return edge_over_time(w, true, true); }
WindowValue ts_of_first(const Window& w, const WindowCall&) { return edge_over_time(w, false, true); }

template <bool kMax>
size_t extreme(const Floats& f, bool last_of_equal) {
  size_t best = 0;
  for (size_t i = 1; i < f.count; ++i) {
    double now = f.values[best];
    double x = f.values[i];
    bool better = kMax ? x > now : x < now;
    if (better || std::isnan(now) || (last_of_equal && x == now)) best = i;
  }
  return best;
}

WindowValue max_over_time(const Window& w, const WindowCall& call) {
  return only_floats(w, call) ? WindowValue::of(w.floats.values[extreme<true>(w.floats, false)]) : WindowValue::none();
}
WindowValue min_over_time(const Window& w, const WindowCall& call) {
  return only_floats(w, call) ? WindowValue::of(w.floats.values[extreme<false>(w.floats, false)]) : WindowValue::none();
}
WindowValue ts_of_max(const Window& w, const WindowCall& call) {
  if (!only_floats(w, call)) return WindowValue::none();
  return WindowValue::of(static_cast<double>(w.floats.times[extreme<true>(w.floats, true)]) / 1000);
}
WindowValue ts_of_min(const Window& w, const WindowCall& call) {
  if (!only_floats(w, call)) return WindowValue::none();
  return WindowValue::of(static_cast<double>(w.floats.times[extreme<false>(w.floats, true)]) / 1000);
}

double variance(const Floats& f) {
  KahanSum mean;
  KahanSum squares;
  for (size_t i = 0; i < f.count; ++i) {
    double delta = f.values[i] - mean.total();
    mean.add(delta / static_cast<double>(i + 1));
    squares.add(delta * (f.values[i] - mean.total()));
  }
  return squares.total() / static_cast<double>(f.count);
}

WindowValue stdvar_over_time(const Window& w, const WindowCall& call) {
  return only_floats(w, call) ? WindowValue::of(variance(w.floats)) : WindowValue::none();
}
WindowValue stddev_over_time(const Window& w, const WindowCall& call) {
  return only_floats(w, call) ? WindowValue::of(std::sqrt(variance(w.floats))) : WindowValue::none();
}

WindowValue quantile_over_time(const Window& w, const WindowCall& call) {
  double q = w.parameters[0];
  if (!only_floats(w, call)) return WindowValue::none();
  if (std::isnan(q) || q < 0 || q > 1) call.annotations->invalid_quantile(call.quantile_place, q);
  call.spare.assign(w.floats.values, w.floats.values + w.floats.count);
  return WindowValue::of(quantile_of(q, call.spare));
}

WindowValue mad_over_time(const Window& w, const WindowCall& call) {
  if (!only_floats(w, call)) return WindowValue::none();
  call.spare.assign(w.floats.values, w.floats.values + w.floats.count);
  double median = quantile_of(0.5, call.spare);
  for (double& x : call.spare) x = std::fabs(x - median);
  return WindowValue::of(quantile_of(0.5, call.spare));
}

// Goes through floats and histograms in the order of their times, two at a time.
template <class OfFloats, class OfHistograms>
WindowValue count_pairs(const Window& w, OfFloats of_floats, OfHistograms of_histograms) {
  if (w.floats.count + w.histograms.count == 0) return WindowValue::none();
  size_t f = 0;
  size_t h = 0;
  double count = 0;
  int before = 0;  // 1 a float, 2 a histogram
  while (f < w.floats.count || h < w.histograms.count) {
    bool histogram = f == w.floats.count || (h < w.histograms.count && w.histograms.times[h] < w.floats.times[f]);
    int now = histogram ? 2 : 1;
    bool counted = before != 0 && (before != now || (histogram ? of_histograms(h) : of_floats(f)));
    count += counted ? 1 : 0;
    before = now;
    histogram ? ++h : ++f;
  }
  return WindowValue::of(count);
}

// The same of floats alone, which most series are.
template <class OfFloats>
WindowValue count_float_pairs(const Floats& f, OfFloats of_floats) {
  if (f.count == 0) return WindowValue::none();
  size_t count = 0;
  for (size_t i = 1; i < f.count; ++i) count += of_floats(i) ? 1 : 0;
  return WindowValue::of(static_cast<double>(count));
}

// Of an anchored range only the last sample before it counts, be it a float or a histogram. False without any in it.
bool trim_to_anchor(Window& w, const WindowCall& call) {
  if (call.extension == Extension::kNone) return true;
  auto before = [&](const int64_t* times, size_t count) {
    return static_cast<size_t>(std::upper_bound(times, times + count, w.begin) - times);
  };
  size_t f = before(w.floats.times, w.floats.count);
  size_t h = before(w.histograms.times, w.histograms.count);
  if (f == w.floats.count && h == w.histograms.count) return false;
  bool float_anchor = f > 0 && (h == 0 || w.floats.times[f - 1] > w.histograms.times[h - 1]);
  if (float_anchor) --f;
  if (!float_anchor && h > 0) --h;
  auto skip = [](auto& samples, size_t n) {
    samples.times += n;
    samples.values += n;
    if (samples.starts != nullptr) samples.starts += n;
    samples.count -= n;
  };
  skip(w.floats, f);
  skip(w.histograms, h);
  return true;
}

WindowValue changes(const Window& window, const WindowCall& call) {
  Window w = window;
  if (!trim_to_anchor(w, call)) return WindowValue::none();
  const double* v = w.floats.values;
  auto changed = [v](size_t i) { return v[i] != v[i - 1] && !(std::isnan(v[i]) && std::isnan(v[i - 1])); };
  if (w.histograms.count == 0) return count_float_pairs(w.floats, changed);
  return count_pairs(w, changed,
                     [&](size_t i) { return !same_histogram(*w.histograms.values[i], *w.histograms.values[i - 1]); });
}

WindowValue resets(const Window& window, const WindowCall& call) {
  Window w = window;
  if (!trim_to_anchor(w, call)) return WindowValue::none();
  if (w.histograms.count == 0 && w.floats.starts == nullptr) {
    const double* v = w.floats.values;
    return count_float_pairs(w.floats, [v](size_t i) { return v[i] < v[i - 1]; });
  }
  auto started = [](const auto& s, size_t i) {
    return s.starts != nullptr && is_start_reset(s.starts[i - 1], s.times[i - 1], s.starts[i], s.times[i]);
  };
  return count_pairs(
      w, [&](size_t i) { return w.floats.values[i] < w.floats.values[i - 1] || started(w.floats, i); },
      [&](size_t i) {
        return started(w.histograms, i) || detect_reset(*w.histograms.values[i], *w.histograms.values[i - 1]);
      });
}

struct Line {
  double slope;
  double at_origin;
};
// Least squares; seconds count from `origin`.
Line fit(const Floats& f, int64_t origin) {
  double count = 0;
  KahanSum x_sum, y_sum, xy_sum, xx_sum;
  bool constant = true;
  for (size_t i = 0; i < f.count; ++i) {
    constant &= f.values[i] == f.values[0];
    count += 1;
    double x = static_cast<double>(f.times[i] - origin) / 1000;
    x_sum.add(x);
    y_sum.add(f.values[i]);
    xy_sum.add(x * f.values[i]);
    xx_sum.add(x * x);
  }
  if (constant) return std::isinf(f.values[0]) ? Line{kNan, kNan} : Line{0, f.values[0]};
  double covariance = xy_sum.total() - x_sum.total() * y_sum.total() / count;
  double x_variance = xx_sum.total() - x_sum.total() * x_sum.total() / count;
  double slope = covariance / x_variance;
  return {slope, y_sum.total() / count - slope * x_sum.total() / count};
}

bool two_floats(const Window& w, const WindowCall& call) { return only_floats(w, call) && w.floats.count >= 2; }

WindowValue deriv(const Window& w, const WindowCall& call) {
  return two_floats(w, call) ? WindowValue::of(fit(w.floats, w.floats.times[0]).slope) : WindowValue::none();
}

WindowValue predict_linear(const Window& w, const WindowCall& call) {
  if (!two_floats(w, call)) return WindowValue::none();
  Line line = fit(w.floats, w.now);
  return WindowValue::of(line.slope * w.parameters[0] + line.at_origin);
}

WindowValue double_exponential_smoothing(const Window& w, const WindowCall& call) {
  if (!two_floats(w, call)) return WindowValue::none();
  double smoothing = w.parameters[0];
  double trending = w.parameters[1];
  const double* v = w.floats.values;
  double before = 0;
  double level = v[0];
  double trend = v[1] - v[0];
  for (size_t i = 1; i < w.floats.count; ++i) {
    if (i > 1) trend = trending * (level - before) + (1 - trending) * trend;
    before = level;
    level = smoothing * v[i] + (1 - smoothing) * (level + trend);
  }
  return WindowValue::of(level);
}

}  // namespace

WindowFunction window_function(FunctionId function) {
  switch (function) {
    case FunctionId::kRate:
    case FunctionId::kIncrease:
    case FunctionId::kDelta: return rate_of;
    case FunctionId::kIrate:
    case FunctionId::kIdelta: return instant_rate_of;
    case FunctionId::kSumOverTime: return sum_over_time;
    case FunctionId::kAvgOverTime: return avg_over_time;
    case FunctionId::kCountOverTime: return count_over_time;
    case FunctionId::kPresentOverTime: return present_over_time;
    case FunctionId::kLastOverTime: return last_over_time;
    case FunctionId::kFirstOverTime: return first_over_time;
    case FunctionId::kTsOfLastOverTime: return ts_of_last;
    case FunctionId::kTsOfFirstOverTime: return ts_of_first;
    case FunctionId::kTsOfMaxOverTime: return ts_of_max;
    case FunctionId::kTsOfMinOverTime: return ts_of_min;
    case FunctionId::kMaxOverTime: return max_over_time;
    case FunctionId::kMinOverTime: return min_over_time;
    case FunctionId::kStddevOverTime: return stddev_over_time;
    case FunctionId::kStdvarOverTime: return stdvar_over_time;
    case FunctionId::kQuantileOverTime: return quantile_over_time;
    case FunctionId::kMadOverTime: return mad_over_time;
    case FunctionId::kChanges: return changes;
    case FunctionId::kResets: return resets;
    case FunctionId::kDeriv: return deriv;
    case FunctionId::kPredictLinear: return predict_linear;
    case FunctionId::kDoubleExponentialSmoothing: return double_exponential_smoothing;
    default: return nullptr;
  }
}

}  // namespace clew::query::promql
