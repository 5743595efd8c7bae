// rate, increase and delta of ranges that look beyond their ends: anchored takes the last sample before the range as
// its beginning, smoothed interpolates at both ends.
#include <algorithm>

#include "query/promql/histogram.h"
#include "query/promql/window.h"

namespace clew::query::promql {
namespace {

using model::CounterReset;

// The samples that count: from the last at or before the beginning to the last in the range, with smoothed to the first
// at or after its end.
struct Bounds {
  size_t first = 0;
  size_t last = 0;
  bool some = false;
};

Bounds bounds_of(const int64_t* times, size_t count, const Window& window, bool smoothed) {
  Bounds bounds;
  if (count == 0) return bounds;
  size_t last = count - 1;
  size_t after_begin = static_cast<size_t>(std::upper_bound(times, times + last, window.begin) - times);
  bounds.first = after_begin > 0 ? after_begin - 1 : 0;
  bounds.last = smoothed ? static_cast<size_t>(std::lower_bound(times, times + last, window.end) - times) : last;
  bounds.some = times[bounds.last] > window.begin && !(smoothed && times[bounds.first] > window.end);
  return bounds;
}

double share_at(int64_t from, int64_t to, int64_t time) {
  return static_cast<double>(time - from) / static_cast<double>(to - from);
}

double between(const Floats& f, size_t i, int64_t time, bool counter) {
  double from = f.values[i];
  double to = f.values[i + 1];
  if (counter && to < from) from = 0;
  return from + (to - from) * static_cast<double>(time - f.times[i]) / static_cast<double>(f.times[i + 1] - f.times[i]);
}

WindowValue extended_floats(const Window& window, const WindowCall& call, bool counter, double per) {
  const Floats& f = window.floats;
  bool smoothed = call.extension == Extension::kSmoothed;
  Bounds at = bounds_of(f.times, f.count, window, smoothed);
  if (!at.some) return WindowValue::none();
  bool cut_left = smoothed && f.times[at.first] < window.begin;
  bool cut_right = smoothed && at.last > 0 && f.times[at.last] > window.end;
  double left = cut_left ? between(f, at.first, window.begin, counter) : f.values[at.first];
  double right = cut_right ? between(f, at.last - 1, window.end, counter) : f.values[at.last];
  double change = right - left;
  if (counter) {
    size_t begin = f.times[at.first] <= window.begin ? at.first + 1 : at.first;
    size_t end = f.times[at.last] >= window.end ? at.last : at.last + 1;
    double before = left;
    for (size_t i = begin; i < end; ++i) {
      if (f.values[i] < before) change += before;
      before = f.values[i];
    }
    if (right < before) change += before;
  }
  return WindowValue::of(change / per);
}

class ExtendedHistograms {
 public:
  ExtendedHistograms(const Window& window, const WindowCall& call)
      : window_(window), call_(call), h_(window.histograms) {}

  WindowValue run(bool counter, double per) {
    counter_ = counter;
    smoothed_ = call_.extension == Extension::kSmoothed;
    at_ = bounds_of(h_.times, h_.count, window_, smoothed_);
    if (!at_.some || !layouts_agree()) return WindowValue::none();
    HistogramPtr left = cut(at_.first, window_.begin, smoothed_ && h_.times[at_.first] < window_.begin, at_.first);
    bool cut_right = smoothed_ && at_.last > 0 && h_.times[at_.last] > window_.end;
    HistogramPtr right = cut(cut_right ? at_.last - 1 : at_.last, window_.end, cut_right, at_.last);
    if (!left || !right) return WindowValue::none();
    if (!counter && (left->reset != CounterReset::kGauge || right->reset != CounterReset::kGauge)) {
      call_.annotations->not_gauge(call_.place, call_.metric);
    }
    HistogramSum change(*right);
    if (!add(change, *left, -1) || (counter && !correct(change, *left, *right))) return WindowValue::none();
    change.divide(per);
    change.reset = CounterReset::kGauge;
    return WindowValue::of(change.share());
  }

 private:
  bool add(HistogramSum& sum, const Histogram& h, double factor) {
    AddOutcome outcome = sum.add(h, factor);
    if (outcome.incompatible) call_.annotations->mixed_exponential_custom(call_.place, call_.metric);
    if (outcome.reconciled) call_.annotations->mismatched_bounds(call_.place, factor < 0 ? "subtraction" : "addition");
    return !outcome.incompatible;
  }

  bool layouts_agree() {
    bool custom = h_.values[at_.first]->custom();
    for (size_t i = at_.first; i <= at_.last; ++i) {
      if (h_.values[i]->custom() != custom) {
        call_.annotations->mixed_exponential_custom(call_.place, call_.metric);
        return false;
      }
      if (counter_ && h_.values[i]->reset == CounterReset::kGauge)
        call_.annotations->not_counter(call_.place, call_.metric);
    }
    return true;
  }

  // The histogram at `time`, between samples i and i + 1; or the sample `whole` as it is.
  HistogramPtr cut(size_t i, int64_t time, bool interpolate, size_t whole) {
    if (!interpolate) return h_.values[whole];
    const Histogram& from = *h_.values[i];
    const Histogram& to = *h_.values[i + 1];
    double share = share_at(h_.times[i], h_.times[i + 1], time);
    if (counter_ && detect_reset(to, from)) return std::make_shared<const Histogram>(scaled(to, share));
    HistogramSum sum(to);
    if (!add(sum, from, -1)) return nullptr;
    sum.scale(share);
    if (!add(sum, from, 1)) return nullptr;
    sum.reset = to.reset;
    return sum.share();
  }

  // Adds what resets inside the range have taken away.
  bool correct(HistogramSum& change, const Histogram& left, const Histogram& right) {
    size_t first = at_.first + 1;
    const Histogram* before = &left;
    bool left_cut = smoothed_ && h_.times[at_.first] < window_.begin;
    if (left_cut && detect_reset(*h_.values[at_.first + 1], *h_.values[at_.first])) {
      // Interpolating has seen this reset already.
      before = h_.values[at_.first + 1].get();
      ++first;
    }
    if (first > at_.last) return true;
    for (size_t i = first; i < at_.last; ++i) {
      if (detect_reset(*h_.values[i], *before) && !add(change, *before, 1)) return false;
      before = h_.values[i].get();
    }
    return !detect_reset(right, *before) || add(change, *before, 1);
  }

  const Window& window_;
  const WindowCall& call_;
  const Histograms& h_;
  Bounds at_;
  bool counter_ = false;
  bool smoothed_ = false;
};

}  // namespace

WindowValue extended_rate_of(const Window& window, const WindowCall& call) {
  bool counter = call.function != FunctionId::kDelta;
  double per = call.function == FunctionId::kRate ? static_cast<double>(call.range_millis) / 1000 : 1;
  if (window.floats.count > 0 && window.histograms.count > 0) {
    call.annotations->mixed_floats_histograms(call.place, call.metric);
    return WindowValue::none();
  }
  if (window.histograms.count > 0) return ExtendedHistograms(window, call).run(counter, per);
  return extended_floats(window, call, counter, per);
}

}  // namespace clew::query::promql
