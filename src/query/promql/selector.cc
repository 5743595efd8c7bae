// Selectors: the series of a store, at the steps of a query or in ranges.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "query/promql/evaluator.h"
#include "query/promql/histogram.h"

namespace clew::query::promql {
namespace {

// Splits samples into floats and histograms without staleness markers. What is plain floats is not copied.
void split(const model::SampleColumns& raw, Scratch& scratch, Floats& floats, Histograms& histograms,
           bool starts_wanted) {
  bool starts = starts_wanted && !raw.starts.empty();
  bool stale = false;
  for (double value : raw.values) stale |= model::is_stale(value);
  if (!stale && raw.histograms.empty()) {
    floats = {raw.millis.data(), raw.values.data(), starts ? raw.starts.data() : nullptr, raw.size()};
    histograms = {};
    return;
  }
  for (auto* times : {&scratch.times, &scratch.histogram_times, &scratch.starts, &scratch.histogram_starts})
    times->clear();
  scratch.values.clear();
  scratch.histograms.clear();
  for (size_t i = 0; i < raw.size(); ++i) {
    if (model::is_stale(raw.values[i])) continue;
    int64_t start = starts ? raw.starts[i] : 0;
    if (raw.histogram(i) != nullptr) {
      if (model::is_stale(raw.histograms[i]->sum)) continue;
      scratch.histogram_times.push_back(raw.millis[i]);
      scratch.histogram_starts.push_back(start);
      scratch.histograms.push_back(raw.histograms[i]);
    } else {
      scratch.times.push_back(raw.millis[i]);
      scratch.starts.push_back(start);
      scratch.values.push_back(raw.values[i]);
    }
  }
  floats = {scratch.times.data(), scratch.values.data(), starts ? scratch.starts.data() : nullptr,
            scratch.times.size()};
  histograms = {scratch.histogram_times.data(), scratch.histograms.data(),
                starts ? scratch.histogram_starts.data() : nullptr, scratch.histogram_times.size()};
}

// Where only counts and sums are looked at, resets are found sample by sample and told on.
void find_resets(std::vector<HistogramPtr>& histograms) {
  HistogramPtr before;
  for (HistogramPtr& h : histograms) {
    HistogramPtr as_it_was = h;
    if (h != nullptr && before != nullptr && h->reset == model::CounterReset::kUnknown) {
      auto told = std::make_shared<Histogram>(*h);
      told->reset = detect_reset(*h, *before) ? model::CounterReset::kReset : model::CounterReset::kNotReset;
      h = std::move(told);
    }
    if (as_it_was != nullptr) before = as_it_was;
  }
}

contract::MetricScan scan_of(const Context& context, const SelectorExpr& expr, std::string_view function) {
  contract::MetricScan scan;
  scan.access = context.access;
  scan.matchers = expr.matchers;
  scan.step_millis = context.query_grid.count > 1 ? context.query_grid.step : 0;
  scan.range_millis = expr.range_millis;
  scan.function = function;
  return scan;
}

RangeShape shape_of(const AtModifier& at, int64_t offset, const Grid& grid) {
  RangeShape shape;
  shape.grid = grid;
  shape.pinned = at.set();
  shape.shift = at.set() ? at.millis - offset : -offset;
  return shape;
}

class SelectorStream final : public Stream {
 public:
  SelectorStream(Context& context, const SelectorExpr& expr, std::unique_ptr<contract::SeriesSet> set, RangeShape shape,
                 bool times)
      : context_(context), expr_(expr), set_(std::move(set)), shape_(shape), times_(times) {}

  size_t size() const override { return set_->size(); }
  model::LabelsView labels(size_t series) const override { return set_->labels(series); }
  bool drops_name(size_t) const override { return false; }

  Status read(size_t series, Column& out, Scratch& scratch) const override {
    CLEW_TRY(set_->read(series, scratch.raw));
    CLEW_TRY(context_.count_samples(scratch.raw.size()));
    out.reset(shape_.grid.count);
    if (expr_.extension == Extension::kSmoothed) return smooth(series, out, scratch);
    if (expr_.histogram_stats) find_resets(scratch.raw.histograms);
    const model::SampleColumns& raw = scratch.raw;
    size_t next = 0;  // first sample after the step
    for (size_t step = 0; step < out.values.size(); ++step) {
      int64_t at = shape_.end_at(step);
      while (next < raw.size() && raw.millis[next] <= at) ++next;
      if (next == 0 || raw.millis[next - 1] <= at - shape_.lookback_millis) continue;
      put(raw, next - 1, step, out);
    }
    return ok_status();
  }

 private:
  void put(const model::SampleColumns& raw, size_t sample, size_t step, Column& out) const {
    if (model::is_stale(raw.values[sample])) return;
    const Histogram* h = raw.histogram(sample);
    if (h != nullptr && model::is_stale(h->sum)) return;
    if (times_) {
      out.values[step] = static_cast<double>(raw.millis[sample]) / 1000;
    } else if (h != nullptr) {
      out.set(step, raw.histograms[sample]);
    } else {
      out.values[step] = raw.values[sample];
    }
  }

  // Between the samples around a step.
  Status smooth(size_t series, Column& out, Scratch& scratch) const {
    Floats floats;
    Histograms histograms;
    split(scratch.raw, scratch, floats, histograms, false);
    for (size_t step = 0; step < out.values.size(); ++step) {
      int64_t at = shape_.end_at(step);
      if (floats.count > 0) smooth_float(floats, at, step, out);
      if (histograms.count > 0 && is_absent(out.values[step])) smooth_histogram(series, histograms, at, step, out);
    }
    return ok_status();
  }

  struct Around {
    bool before = false;
    bool after = false;
    size_t next = 0;
  };
  Around around(const int64_t* times, size_t count, int64_t at) const {
    Around found;
    found.next = static_cast<size_t>(std::upper_bound(times, times + count, at) - times);
    found.before = found.next > 0 && times[found.next - 1] > at - shape_.lookback_millis;
    found.after = found.next < count && times[found.next] <= at + shape_.lookback_millis;
    return found;
  }

  void smooth_float(const Floats& f, int64_t at, size_t step, Column& out) const {
    Around found = around(f.times, f.count, at);
    if (!found.before) return;
    size_t i = found.next;
    double value = f.values[i - 1];
    if (found.after && f.times[i - 1] != at) {
      value += (f.values[i] - value) * static_cast<double>(at - f.times[i - 1]) /
               static_cast<double>(f.times[i] - f.times[i - 1]);
    }
    out.values[step] = value;
  }

  void smooth_histogram(size_t series, const Histograms& h, int64_t at, size_t step, Column& out) const {
    Around found = around(h.times, h.count, at);
    if (!found.before) return;
    size_t i = found.next;
    const HistogramPtr& from = h.values[i - 1];
    if (!found.after || h.times[i - 1] == at) return out.set(step, from);
    const Histogram& to = *h.values[i];
    double share = static_cast<double>(at - h.times[i - 1]) / static_cast<double>(h.times[i] - h.times[i - 1]);
    if (from->custom() != to.custom()) {
      context_.annotations.mixed_exponential_custom(expr_.span, labels(series).metric_name());
      return;
    }
    if (to.reset != model::CounterReset::kGauge && detect_reset(to, *from)) {
      return out.set(step, std::make_shared<const Histogram>(scaled(to, share)));
    }
    HistogramSum sum(to);
    (void)sum.subtract(*from);
    sum.scale(share);
    (void)sum.add(*from, 1);
    out.set(step, sum.share());
  }

  Context& context_;
  const SelectorExpr& expr_;
  std::unique_ptr<contract::SeriesSet> set_;
  RangeShape shape_;
  bool times_;
};

class StoredRange final : public RangeSource {
 public:
  StoredRange(Context& context, const SelectorExpr& expr, std::unique_ptr<contract::SeriesSet> set)
      : context_(context), expr_(expr), set_(std::move(set)) {}
  size_t size() const override { return set_->size(); }
  model::LabelsView labels(size_t series) const override { return set_->labels(series); }
  bool drops_name(size_t) const override { return false; }
  Status read(size_t series, Scratch& scratch, Floats& floats, Histograms& histograms) const override {
    CLEW_TRY(set_->read(series, scratch.raw));
    CLEW_TRY(context_.count_samples(scratch.raw.size()));
    if (expr_.histogram_stats) find_resets(scratch.raw.histograms);
    split(scratch.raw, scratch, floats, histograms, context_.options.start_timestamps);
    return ok_status();
  }

 private:
  Context& context_;
  const SelectorExpr& expr_;
  std::unique_ptr<contract::SeriesSet> set_;
};

class SubqueryRange final : public RangeSource {
 public:
  SubqueryRange(BlockPtr block, Grid grid) : block_(std::move(block)), grid_(grid) {}
  size_t size() const override { return block_ ? block_->size() : 0; }
  model::LabelsView labels(size_t series) const override { return block_->labels(series); }
  bool drops_name(size_t series) const override { return block_->drops_name(series); }
  Status read(size_t series, Scratch& scratch, Floats& floats, Histograms& histograms) const override {
    const Column& column = block_->rows[series].column;
    scratch.times.clear();
    scratch.values.clear();
    scratch.histogram_times.clear();
    scratch.histograms.clear();
    for (size_t i = 0; i < column.values.size(); ++i) {
      if (!is_absent(column.values[i])) {
        scratch.times.push_back(grid_.at(i));
        scratch.values.push_back(column.values[i]);
      } else if (column.has_histogram(i)) {
        scratch.histogram_times.push_back(grid_.at(i));
        scratch.histograms.push_back(column.histograms[i]);
      }
    }
    floats = {scratch.times.data(), scratch.values.data(), nullptr, scratch.times.size()};
    histograms = {scratch.histogram_times.data(), scratch.histograms.data(), nullptr, scratch.histogram_times.size()};
    return ok_status();
  }

 private:
  BlockPtr block_;
  Grid grid_;
};

// What a sample said of the one before it in the store says nothing of the step before.
void forget_resets(Block& block) {
  for (Block::Row& row : block.rows) {
    for (HistogramPtr& h : row.column.histograms) {
      bool known = h && (h->reset == model::CounterReset::kReset || h->reset == model::CounterReset::kNotReset);
      if (!known) continue;
      auto copy = std::make_shared<Histogram>(*h);
      copy->reset = model::CounterReset::kUnknown;
      h = std::move(copy);
    }
  }
}

// Rounds down to a multiple, below zero too.
int64_t floor_to(int64_t time, int64_t step) {
  int64_t rest = time % step;
  return time - (rest < 0 ? rest + step : rest);
}

}  // namespace

Result<StreamPtr> Evaluator::selector(const SelectorExpr& expr, const Grid& grid, Wanted wanted,
                                      std::string_view function) {
  RangeShape shape = shape_of(expr.at, expr.offset_millis, grid);
  shape.lookback_millis = context_.options.lookback_millis;
  contract::MetricScan scan = scan_of(context_, expr, function);
  scan.from_millis = shape.end_at(0) - shape.lookback_millis + 1;
  scan.to_millis = shape.end_at(grid.count - 1);
  if (expr.extension == Extension::kSmoothed) scan.to_millis += shape.lookback_millis;
  std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(context_.source.select(scan));
  CLEW_TRY(context_.check_series(set->size()));
  return StreamPtr(std::make_unique<SelectorStream>(context_, expr, std::move(set), shape, wanted == Wanted::kTimes));
}

Result<OpenRange> Evaluator::selector_range(const SelectorExpr& expr, const Grid& grid, std::string_view function) {
  OpenRange open;
  open.extension = expr.extension;
  open.shape = shape_of(expr.at, expr.offset_millis, grid);
  open.shape.range_millis = expr.range_millis;
  open.shape.lookback_millis = context_.options.lookback_millis;
  bool exact = function == "rate" || function == "increase" || function == "delta";
  if (exact && context_.options.exact_increase && expr.extension == Extension::kNone)
    open.extension = Extension::kAnchored;
  contract::MetricScan scan = scan_of(context_, expr, function);
  scan.from_millis = open.shape.end_at(0) - expr.range_millis + 1;
  scan.to_millis = open.shape.end_at(grid.count - 1);
  if (open.extension != Extension::kNone) scan.from_millis -= open.shape.lookback_millis;
  if (open.extension == Extension::kSmoothed) scan.to_millis += open.shape.lookback_millis;
  std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(context_.source.select(scan));
  CLEW_TRY(context_.check_series(set->size()));
  open.source = std::make_unique<StoredRange>(context_, expr, std::move(set));
  return open;
}

Result<OpenRange> Evaluator::subquery_range(const SubqueryExpr& expr, const Grid& grid) {
  OpenRange open;
  open.shape = shape_of(expr.at, expr.offset_millis, grid);
  open.shape.range_millis = expr.range_millis;
  // Steps of the inner query are multiples of its step, whatever the outer one asks.
  Grid inner;
  inner.step = expr.step_millis;
  inner.start = floor_to(open.shape.end_at(0) - expr.range_millis, inner.step) + inner.step;
  int64_t last = open.shape.end_at(grid.count - 1);
  if (last < inner.start) {
    open.source = std::make_unique<SubqueryRange>(nullptr, inner);
    return open;
  }
  inner.count = static_cast<size_t>((last - inner.start) / inner.step) + 1;
  if (inner.count > context_.options.limits.subquery_steps_max) {
    return Error(
        Code::kLimit,
        fmt::format("a subquery has {} steps, at most {} are allowed: make its range shorter or its step longer",
                    inner.count, context_.options.limits.subquery_steps_max));
  }
  BlockPtr values = CLEW_TRY(block(*expr.inner, inner));
  forget_resets(*values);
  open.source = std::make_unique<SubqueryRange>(std::move(values), inner);
  return open;
}

}  // namespace clew::query::promql
