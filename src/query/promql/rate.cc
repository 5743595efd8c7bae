// rate, increase, delta, irate, idelta.
#include <algorithm>
#include <cmath>

#include "query/promql/histogram.h"
#include "query/promql/window.h"

namespace clew::query::promql {
namespace {

using model::CounterReset;

// How much of the range's ends the samples say nothing of still counts.
struct Extrapolation {
  int64_t begin, end;          // of the range
  int64_t first, last;         // times of the samples
  size_t intervals;            // between them
  double first_value, change;  // of a counter: where it would have been zero
  bool counter;
};

double factor_of(const Extrapolation& e) {
  double to_start = static_cast<double>(e.first - e.begin) / 1000;
  double to_end = static_cast<double>(e.end - e.last) / 1000;
  double sampled = static_cast<double>(e.last - e.first) / 1000;
  double average = sampled / static_cast<double>(e.intervals);
  // Samples are expected at about the average distance; a gap larger than this is where the series begins or ends.
  double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (e.counter && e.change > 0 && e.first_value >= 0) {
    to_start = std::min(to_start, sampled * (e.first_value / e.change));
  }
  if (to_end >= threshold) to_end = average / 2;
  return (sampled + to_start + to_end) / sampled;
}

// Adds factor * h; false when the layouts do not go together, which is told.
bool add_told(HistogramSum& sum, const Histogram& h, double factor, const WindowCall& call) {
  AddOutcome outcome = sum.add(h, factor);
  if (outcome.incompatible) {
    call.annotations->mixed_exponential_custom(call.place, call.metric);
    return false;
  }
  if (outcome.reconciled) call.annotations->mismatched_bounds(call.place, factor < 0 ? "subtraction" : "addition");
  return true;
}

bool start_reset_at(const int64_t* starts, const int64_t* times, size_t i) {
  return starts != nullptr && is_start_reset(starts[i - 1], times[i - 1], starts[i], times[i]);
}

// Tells once that a sample's start lies within the sample before.
void tell_overlaps(const int64_t* starts, const int64_t* times, size_t count, const WindowCall& call) {
  if (starts == nullptr) return;
  for (size_t i = 1; i < count; ++i) {
    if (!is_start_overlap(starts[i - 1], times[i - 1], starts[i])) continue;
    call.annotations->start_overlap(call.place, call.metric);
    return;
  }
}

// The change over at least two histograms; false when there is none.
bool histogram_change(const Histograms& h, bool counter, const WindowCall& call, HistogramSum& change) {
  const Histogram* first = h.values[0].get();
  const Histogram* last = h.values[h.count - 1].get();
  bool custom = first->custom();
  auto gauge = [](const Histogram* x) { return x->reset == CounterReset::kGauge; };
  // A first sample before a reset does not matter, nor does its layout.
  Histogram nothing;
  if (counter) {
    const Histogram* second = h.values[1].get();
    if (start_reset_at(h.starts, h.times, 1) || detect_reset(*second, *first)) {
      nothing.schema = second->schema;
      nothing.custom_bounds = second->custom_bounds;
      nothing.zero_threshold = second->zero_threshold;
      custom = second->custom();
      first = &nothing;
    }
  }
  if (counter && (gauge(h.values[0].get()) || gauge(last))) call.annotations->not_counter(call.place, call.metric);
  if (last->custom() != custom) {
    call.annotations->mixed_exponential_custom(call.place, call.metric);
    return false;
  }
  int32_t schema = std::min(first->schema, last->schema);
  for (size_t i = 1; counter && i + 1 < h.count; ++i) {
    const Histogram* each = h.values[i].get();
    if (gauge(each)) call.annotations->not_counter(call.place, call.metric);
    if (each->custom() != custom) {
      call.annotations->mixed_exponential_custom(call.place, call.metric);
      return false;
    }
    schema = std::min(schema, each->schema);
  }
  change = HistogramSum(*last);
  change.reduce_to(schema);
  if (!add_told(change, *first, -1, call)) return false;
  if (!counter) {
    if (!gauge(h.values[0].get()) || !gauge(last)) call.annotations->not_gauge(call.place, call.metric);
    return true;
  }
  tell_overlaps(h.starts, h.times, h.count, call);
  const Histogram* before = first;
  for (size_t i = 1; i < h.count; ++i) {
    const Histogram* each = h.values[i].get();
    bool reset = start_reset_at(h.starts, h.times, i) || detect_reset(*each, *before);
    if (reset && before != &nothing && !add_told(change, *before, 1, call)) return false;
    before = each;
  }
  return true;
}

double float_change(const Floats& f, bool counter, const WindowCall& call) {
  double change = f.values[f.count - 1] - f.values[0];
  if (!counter) return change;
  tell_overlaps(f.starts, f.times, f.count, call);
  for (size_t i = 1; i < f.count; ++i) {
    if (f.values[i] < f.values[i - 1] || start_reset_at(f.starts, f.times, i)) change += f.values[i - 1];
  }
  return change;
}

bool start_within(const int64_t* starts, int64_t first_time, const Window& window) {
  return starts != nullptr && starts[0] != 0 && starts[0] > window.begin && starts[0] < first_time;
}

// A counter that tells where it began inside the range: it was zero there, nothing is to be guessed at that end.
double factor_from_start(int64_t start, int64_t first, int64_t last, size_t intervals, int64_t end) {
  double average = intervals > 0 ? static_cast<double>(last - first) / 1000 / static_cast<double>(intervals) : 0;
  double sampled = static_cast<double>(last - start) / 1000;
  double to_end = static_cast<double>(end - last) / 1000;
  if (to_end >= average * 1.1) to_end = average / 2;
  return (sampled + to_end) / sampled;
}

WindowValue histogram_rate(const Window& window, const WindowCall& call, bool counter, double per) {
  const Histograms& h = window.histograms;
  HistogramSum change;
  if (h.count > 1 && !histogram_change(h, counter, call, change)) return WindowValue::none();
  int64_t first = h.times[0];
  int64_t last = h.times[h.count - 1];
  if (counter && start_within(h.starts, first, window)) {
    if (!add_told(change, *h.values[0], 1, call)) return WindowValue::none();
    change.scale(factor_from_start(h.starts[0], first, last, h.count - 1, window.end) / per);
  } else {
    if (h.count < 2) return WindowValue::none();
    change.scale(factor_of({window.begin, window.end, first, last, h.count - 1, h.values[0]->count,
                            change.result().count, counter}) /
                 per);
  }
  change.reset = CounterReset::kGauge;
  return WindowValue::of(change.share());
}

WindowValue float_rate(const Window& window, const WindowCall& call, bool counter, double per) {
  const Floats& f = window.floats;
  if (f.count == 0) return WindowValue::none();
  double change = float_change(f, counter, call);
  int64_t first = f.times[0];
  int64_t last = f.times[f.count - 1];
  if (counter && start_within(f.starts, first, window)) {
    return WindowValue::of((change + f.values[0]) *
                           (factor_from_start(f.starts[0], first, last, f.count - 1, window.end) / per));
  }
  if (f.count < 2) return WindowValue::none();
  double factor = factor_of({window.begin, window.end, first, last, f.count - 1, f.values[0], change, counter});
  return WindowValue::of(change * (factor / per));
}

}  // namespace

void tell_if_no_counter(const WindowCall& call) {
  if (call.options->type_and_unit_labels) {
    if (call.type != "counter" && call.type != "histogram") {
      call.annotations->possible_non_counter_type(call.place, call.metric, call.type);
    }
    return;
  }
  for (std::string_view ending : {"_total", "_sum", "_count", "_bucket"}) {
    if (call.metric.ends_with(ending)) return;
  }
  if (!call.metric.empty()) call.annotations->possible_non_counter(call.place, call.metric);
}

bool is_start_reset(int64_t previous_start, int64_t previous_time, int64_t start, int64_t time) {
  // Unknown, after the sample, or OpenTelemetry's "unknown" (at the sample).
  if (start == 0 || start >= time) return false;
  if (start != previous_time) return start > previous_time;
  // It began where the sample before ended: a delta, unless that one did not know its start either.
  return previous_start != 0 && previous_start < previous_time;
}

bool is_start_overlap(int64_t previous_start, int64_t previous_time, int64_t start) {
  return start != 0 && start < previous_time && start != previous_start;
}

WindowValue rate_of(const Window& window, const WindowCall& call) {
  if (call.extension != Extension::kNone) return extended_rate_of(window, call);
  if (window.floats.count > 0 && window.histograms.count > 0) {
    call.annotations->mixed_floats_histograms(call.place, call.metric);
    return WindowValue::none();
  }
  bool counter = call.function != FunctionId::kDelta;
  double per = call.function == FunctionId::kRate ? static_cast<double>(call.range_millis) / 1000 : 1;
  if (window.histograms.count > 0) return histogram_rate(window, call, counter, per);
  WindowValue value = float_rate(window, call, counter, per);
  if (value.some && counter) tell_if_no_counter(call);
  return value;
}

namespace {

// factor_of() over per, for windows that mostly look alike: samples come at a steady pace and so do steps, so that the
// divisions of the step before hold for the next one too.
class SteadyFactor {
 public:
  explicit SteadyFactor(double per) : per_(per) {}

  double at(const Extrapolation& e) {
    int64_t before = e.first - e.begin;
    int64_t after = e.end - e.last;
    int64_t sampled = e.last - e.first;
    if (before != before_ || after != after_ || sampled != sampled_ || e.intervals != intervals_) {
      before_ = before;
      after_ = after;
      sampled_ = sampled;
      intervals_ = e.intervals;
      Extrapolation gauge = e;
      gauge.counter = false;
      factor_ = factor_of(gauge) / per_;
      // As factor_of() has it: how far the range's beginning is guessed at.
      double average = static_cast<double>(sampled) / 1000 / static_cast<double>(e.intervals);
      double to_start = static_cast<double>(before) / 1000;
      if (to_start >= average * 1.1) to_start = average / 2;
      start_share_ = to_start / (static_cast<double>(sampled) / 1000) * kMargin;
    }
    // Whether the counter would have been zero within that stretch; a little early, so that only the exact way decides.
    if (e.counter && e.change > 0 && e.first_value >= 0 && e.first_value <= start_share_ * e.change)
      return factor_of(e) / per_;
    return factor_;
  }

 private:
  static constexpr double kMargin = 1.000001;
  double per_;
  int64_t before_ = -1;
  int64_t after_ = -1;
  int64_t sampled_ = -1;
  size_t intervals_ = 0;
  double factor_ = 0;
  double start_share_ = 0;
};

}  // namespace

void rate_column(const Floats& floats, const RangeShape& shape, FunctionId function, std::vector<uint32_t>& resets,
                 std::vector<double>& out) {
  const int64_t* times = floats.times;
  const double* values = floats.values;
  const size_t count = floats.count;
  bool counter = function != FunctionId::kDelta;
  SteadyFactor factor(function == FunctionId::kRate ? static_cast<double>(shape.range_millis) / 1000 : 1);
  resets.clear();
  for (size_t i = 1; counter && i < count; ++i) {
    if (values[i] < values[i - 1]) resets.push_back(static_cast<uint32_t>(i));
  }
  size_t low = 0;   // first sample of the window
  size_t high = 0;  // first behind it
  size_t reset = 0;
  int64_t end = shape.end_at(0);
  const int64_t step_millis = shape.pinned ? 0 : shape.grid.step;
  for (size_t step = 0; step < shape.grid.count; ++step, end += step_millis) {
    int64_t begin = end - shape.range_millis;
    while (high < count && times[high] <= end) ++high;
    while (low < high && times[low] <= begin) ++low;
    if (high - low < 2) continue;
    double change = values[high - 1] - values[low];
    while (reset < resets.size() && resets[reset] <= low) ++reset;
    for (size_t r = reset; r < resets.size() && resets[r] < high; ++r) change += values[resets[r] - 1];
    out[step] =
        change * factor.at({begin, end, times[low], times[high - 1], high - low - 1, values[low], change, counter});
  }
}

namespace {

struct LastSample {
  int64_t time = 0;
  int64_t start = 0;
  double value = 0;
  const Histogram* histogram = nullptr;
};

// The last two samples, floats and histograms together.
size_t last_two(const Window& window, LastSample (&two)[2]) {
  size_t f = window.floats.count;
  size_t h = window.histograms.count;
  size_t found = 0;
  while (found < 2 && (f > 0 || h > 0)) {
    bool take_histogram = f == 0 || (h > 0 && window.histograms.times[h - 1] > window.floats.times[f - 1]);
    LastSample& into = two[1 - found++];
    if (take_histogram) {
      --h;
      into = {window.histograms.times[h], window.histograms.starts != nullptr ? window.histograms.starts[h] : 0, 0,
              window.histograms.values[h].get()};
    } else {
      --f;
      into = {window.floats.times[f], window.floats.starts != nullptr ? window.floats.starts[f] : 0,
              window.floats.values[f], nullptr};
    }
  }
  return found;
}

}  // namespace

WindowValue instant_rate_of(const Window& window, const WindowCall& call) {
  LastSample two[2];
  if (last_two(window, two) < 2) return WindowValue::none();
  const LastSample& before = two[0];
  const LastSample& last = two[1];
  bool rate = call.function == FunctionId::kIrate;
  double seconds = rate ? static_cast<double>(last.time - before.time) / 1000 : 1;
  if (seconds == 0) return WindowValue::none();
  bool start_reset = is_start_reset(before.start, before.time, last.start, last.time);
  if ((last.histogram == nullptr) != (before.histogram == nullptr)) {
    call.annotations->mixed_floats_histograms(call.place, call.metric);
    return WindowValue::none();
  }
  if (last.histogram == nullptr) {
    bool reset = rate && (last.value < before.value || start_reset);
    return WindowValue::of((reset ? last.value : last.value - before.value) / seconds);
  }
  bool gauges = last.histogram->reset == CounterReset::kGauge && before.histogram->reset == CounterReset::kGauge;
  bool any_gauge = last.histogram->reset == CounterReset::kGauge || before.histogram->reset == CounterReset::kGauge;
  if (rate && any_gauge) call.annotations->not_counter(call.place, call.metric);
  if (!rate && !gauges) call.annotations->not_gauge(call.place, call.metric);
  HistogramSum change(*last.histogram);
  bool reset = rate && (start_reset || detect_reset(*last.histogram, *before.histogram));
  if (!reset && !add_told(change, *before.histogram, -1, call)) return WindowValue::none();
  change.divide(seconds);
  change.reset = CounterReset::kGauge;
  return WindowValue::of(change.share());
}

}  // namespace clew::query::promql
