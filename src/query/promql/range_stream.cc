// Calls of functions over ranges.
#include <fmt/format.h>

#include <algorithm>

#include "query/promql/evaluator.h"

namespace clew::query::promql {
namespace {

bool keeps_name(FunctionId id) { return id == FunctionId::kLastOverTime || id == FunctionId::kFirstOverTime; }

// The samples of windows that move forward.
template <class Samples>
class Slide {
 public:
  explicit Slide(const Samples& samples) : samples_(samples) {}

  Samples at(int64_t begin, int64_t end, Extension extension, int64_t lookback) {
    while (high_ < samples_.count && samples_.times[high_] <= end) ++high_;
    while (low_ < samples_.count && samples_.times[low_] <= begin) ++low_;
    size_t from = low_;
    size_t to = std::max(high_, low_);
    if (extension != Extension::kNone && from > 0 && samples_.times[from - 1] > begin - lookback) --from;
    bool smoothed = extension == Extension::kSmoothed;
    if (smoothed && to < samples_.count && samples_.times[to] <= end + lookback) ++to;
    Samples cut = samples_;
    cut.times += from;
    cut.values += from;
    if (cut.starts != nullptr) cut.starts += from;
    cut.count = to - from;
    return cut;
  }

 private:
  const Samples& samples_;
  size_t low_ = 0;
  size_t high_ = 0;
};

class RangeStream final : public Stream {
 public:
  RangeStream(OpenRange range, WindowCall call, std::vector<std::vector<double>> parameters)
      : range_(std::move(range)),
        call_(std::move(call)),
        function_(window_function(call_.function)),
        parameters_(std::move(parameters)) {}

  size_t size() const override { return range_.source->size(); }
  model::LabelsView labels(size_t series) const override { return range_.source->labels(series); }
  bool drops_name(size_t series) const override {
    return !keeps_name(call_.function) || range_.source->drops_name(series);
  }

  Status read(size_t series, Column& out, Scratch& scratch) const override {
    Floats floats;
    Histograms histograms;
    CLEW_TRY(range_.source->read(series, scratch, floats, histograms));
    out.reset(range_.shape.grid.count);
    WindowCall call = call_;
    call.metric = labels(series).metric_name();
    if (call.options->type_and_unit_labels) call.type = labels(series).get("__type__");
    if (is_plain_rate(floats, histograms)) {
      rate_all(call, floats, scratch.resets, out);
    } else {
      slide(call, floats, histograms, out);
    }
    return ok_status();
  }

 private:
  bool is_plain_rate(const Floats& floats, const Histograms& histograms) const {
    FunctionId id = call_.function;
    bool rate = id == FunctionId::kRate || id == FunctionId::kIncrease || id == FunctionId::kDelta;
    return rate && call_.extension == Extension::kNone && histograms.count == 0 && floats.starts == nullptr;
  }

  void rate_all(const WindowCall& call, const Floats& floats, std::vector<uint32_t>& resets, Column& out) const {
    rate_column(floats, range_.shape, call.function, resets, out.values);
    if (call.function == FunctionId::kDelta) return;
    bool any = std::any_of(out.values.begin(), out.values.end(), [](double v) { return !is_absent(v); });
    if (any) tell_if_no_counter(call);
  }

  void slide(const WindowCall& call, const Floats& floats, const Histograms& histograms, Column& out) const {
    const RangeShape& shape = range_.shape;
    Slide<Floats> float_slide(floats);
    Slide<Histograms> histogram_slide(histograms);
    double parameters[2] = {0, 0};
    for (size_t step = 0; step < shape.grid.count; ++step) {
      Window window;
      window.end = shape.end_at(step);
      window.begin = window.end - shape.range_millis;
      window.now = shape.grid.at(step);
      window.floats = float_slide.at(window.begin, window.end, call.extension, shape.lookback_millis);
      window.histograms = histogram_slide.at(window.begin, window.end, call.extension, shape.lookback_millis);
      if (window.floats.count + window.histograms.count == 0) continue;
      for (size_t p = 0; p < parameters_.size(); ++p) parameters[p] = parameters_[p][step];
      window.parameters = parameters;
      WindowValue value = function_(window, call);
      if (!value.some) continue;
      if (value.histogram) {
        out.set(step, std::move(value.histogram));
      } else {
        out.values[step] = value.value;
      }
    }
  }

  OpenRange range_;
  WindowCall call_;
  WindowFunction function_;
  std::vector<std::vector<double>> parameters_;
};

Status check_extension(Extension extension, const CallExpr& expr) {
  FunctionId id = expr.function->id;
  bool rate = id == FunctionId::kRate || id == FunctionId::kIncrease || id == FunctionId::kDelta;
  if (extension == Extension::kSmoothed && !rate) {
    return Error(Code::kInvalid,
                 fmt::format("smoothed modifier can only be used with: delta, increase, rate - not with {}",
                             expr.function->name));
  }
  bool counting = id == FunctionId::kChanges || id == FunctionId::kResets;
  if (extension == Extension::kAnchored && !rate && !counting) {
    return Error(
        Code::kInvalid,
        fmt::format("anchored modifier can only be used with: changes, delta, increase, rate, resets - not with {}",
                    expr.function->name));
  }
  return ok_status();
}

Status check_factor(const std::vector<double>& values, std::string_view name) {
  for (double value : values) {
    if (value > 0 && value < 1) continue;
    return Error(Code::kInvalid, fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:f}", name,
                                             name == "smoothing" ? "sf" : "tf", value));
  }
  return ok_status();
}

}  // namespace

Result<StreamPtr> Evaluator::range_call(const CallExpr& expr, const Grid& grid) {
  WindowCall call;
  call.function = expr.function->id;
  call.options = &context_.options;
  call.annotations = &context_.annotations;
  OpenRange open;
  std::vector<std::vector<double>> parameters;
  for (const ExprPtr& arg : expr.args) {
    if (type_of(*arg) == ValueType::kMatrix) {
      open = CLEW_TRY(range(*arg, grid, expr.function->name));
      call.place = arg->span;
    } else {
      std::vector<double> values = CLEW_TRY(scalar(*arg, grid));
      parameters.push_back(std::move(values));
      call.quantile_place = arg->span;
    }
  }
  CLEW_TRY(check_extension(open.extension, expr));
  if (call.function == FunctionId::kDoubleExponentialSmoothing) {
    CLEW_TRY(check_factor(parameters[0], "smoothing"));
    CLEW_TRY(check_factor(parameters[1], "trend"));
  }
  call.range_millis = open.shape.range_millis;
  call.extension = open.extension;
  return StreamPtr(std::make_unique<RangeStream>(std::move(open), std::move(call), std::move(parameters)));
}

Result<StreamPtr> Evaluator::absent_over_time(const CallExpr& expr, const Grid& grid) {
  OpenRange open = CLEW_TRY(range(*expr.args[0], grid, expr.function->name));
  CLEW_TRY(check_extension(open.extension, expr));
  auto made = std::make_unique<Block>();
  Block::Row row;
  row.labels = labels_of_absent(*expr.args[0]);
  row.column.values.assign(grid.count, 1);
  Scratch scratch;
  for (size_t series = 0; series < open.source->size(); ++series) {
    Floats floats;
    Histograms histograms;
    CLEW_TRY(open.source->read(series, scratch, floats, histograms));
    Slide<Floats> float_slide(floats);
    Slide<Histograms> histogram_slide(histograms);
    for (size_t step = 0; step < grid.count; ++step) {
      int64_t end = open.shape.end_at(step);
      int64_t begin = end - open.shape.range_millis;
      size_t count = float_slide.at(begin, end, Extension::kNone, 0).count +
                     histogram_slide.at(begin, end, Extension::kNone, 0).count;
      if (count > 0) row.column.values[step] = absent();
    }
  }
  if (row.column.any()) made->rows.push_back(std::move(row));
  return StreamPtr(std::move(made));
}

}  // namespace clew::query::promql
