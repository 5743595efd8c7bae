#include "query/promql/promql.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/promql/evaluator.h"
#include "query/promql/explain.h"
#include "query/promql/prepare.h"
#include "query/promql/print.h"

namespace clew::query::promql {
namespace {

void append_point(model::SampleColumns& samples, int64_t millis, double value, const HistogramPtr& histogram) {
  if (histogram != nullptr && samples.histograms.empty()) samples.histograms.resize(samples.size());
  samples.millis.push_back(millis);
  samples.values.push_back(histogram != nullptr ? histogram->sum : value);
  if (histogram != nullptr || !samples.histograms.empty()) samples.histograms.push_back(histogram);
}

std::vector<ResultSeries> series_of(Block& block, const Grid& grid) {
  std::vector<ResultSeries> series;
  series.reserve(block.rows.size());
  for (Block::Row& row : block.rows) {
    ResultSeries made;
    made.labels = std::move(row.labels);
    size_t points = 0;
    for (size_t i = 0; i < grid.count; ++i) points += row.column.present(i) ? 1 : 0;
    made.samples.millis.reserve(points);
    made.samples.values.reserve(points);
    for (size_t i = 0; i < grid.count; ++i) {
      if (row.column.present(i)) append_point(made.samples, grid.at(i), row.column.values[i], row.column.histogram(i));
    }
    row.column = {};
    series.push_back(std::move(made));
  }
  return series;
}

void sort_by_labels(std::vector<ResultSeries>& series) {
  std::sort(series.begin(), series.end(),
            [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
}

// The samples of a range vector as they are.
Result<std::vector<ResultSeries>> raw_series(Context& context, Evaluator& evaluator, const Expr& expr,
                                             const Grid& grid) {
  OpenRange open = CLEW_TRY(evaluator.range(expr, grid, ""));
  int64_t end = open.shape.end_at(0);
  int64_t begin = end - open.shape.range_millis;
  std::vector<ResultSeries> series;
  Scratch scratch;
  Held held;
  for (size_t i = 0; i < open.source->size(); ++i) {
    Floats floats;
    Histograms histograms;
    CLEW_TRY(open.source->read(i, scratch, floats, histograms));
    ResultSeries made;
    size_t f = 0;
    size_t h = 0;
    while (f < floats.count || h < histograms.count) {
      bool take_float = h == histograms.count || (f < floats.count && floats.times[f] < histograms.times[h]);
      int64_t time = take_float ? floats.times[f] : histograms.times[h];
      if (time > begin && time <= end) {
        append_point(made.samples, time, take_float ? floats.values[f] : 0,
                     take_float ? nullptr : histograms.values[h]);
      }
      take_float ? ++f : ++h;
    }
    if (made.samples.size() == 0) continue;
    CLEW_TRY(held.add(context, made.samples.size() * 16));
    bool drops = open.source->drops_name(i);
    made.labels = drops ? without_name(open.source->labels(i)) : model::Labels(open.source->labels(i));
    series.push_back(std::move(made));
  }
  sort_by_labels(series);
  return series;
}

Status fill_answer(Context& context, const Expr& expr, const Grid& grid, bool range_query, Answer& answer) {
  Evaluator evaluator(context);
  answer.type = type_of(expr);
  switch (answer.type) {
    case ValueType::kString: answer.text = as<StringExpr>(without_parens(expr)).value; return ok_status();
    case ValueType::kMatrix: answer.series = CLEW_TRY(raw_series(context, evaluator, expr, grid)); return ok_status();
    case ValueType::kScalar: {
      std::vector<double> values = CLEW_TRY(evaluator.scalar(expr, grid));
      answer.scalar = values[0];
      if (!range_query) return ok_status();
      answer.series.resize(1);
      for (size_t i = 0; i < grid.count; ++i) append_point(answer.series[0].samples, grid.at(i), values[i], nullptr);
      answer.type = ValueType::kMatrix;
      return ok_status();
    }
    case ValueType::kVector: break;
  }
  BlockPtr block = CLEW_TRY(evaluator.block(expr, grid));
  CLEW_TRY(drop_names(*block));
  answer.series = series_of(*block, grid);
  if (!range_query) return ok_status();
  answer.type = ValueType::kMatrix;
  sort_by_labels(answer.series);
  return ok_status();
}

Result<Answer> run(const contract::MetricSource& source, const contract::Access& access, std::string_view text,
                   const RunTimes& times, const Options& options) {
  ExprPtr expr = CLEW_TRY(parse(text, options.parse));
  bool range_query = times.step > 0;
  ValueType type = type_of(*expr);
  if (range_query && type != ValueType::kScalar && type != ValueType::kVector) {
    return Error(Code::kInvalid,
                 fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                             type_text(type)));
  }
  CLEW_TRY(prepare(*expr, text, times, options));
  Grid grid{times.start, 1, 1};
  if (range_query) grid = {times.start, times.step, static_cast<size_t>((times.end - times.start) / times.step) + 1};
  Context context(source, access, options, text, grid);
  uint64_t begun = context.now_ns();
  Answer answer;
  answer.millis = times.start;
  CLEW_TRY(fill_answer(context, *expr, grid, range_query, answer));
  answer.warnings = context.annotations.warnings();
  answer.infos = context.annotations.infos();
  answer.samples_read = context.samples();
  answer.memory_bytes_peak = context.memory_peak();
  answer.nanos = context.now_ns() - begun;
  if (options.analyze) answer.plan = plan_text(*expr, &context);
  return answer;
}

// Times that stay within 64 bits whatever is added to them.
constexpr int64_t kMillisMax = int64_t{1} << 61;

Status check_range(const Range& range, const Options& options) {
  if (range.step_millis <= 0) {
    return Error(Code::kInvalid,
                 "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (range.end_millis < range.start_millis)
    return Error(Code::kInvalid, "end timestamp must not be before start time");
  if (std::abs(range.start_millis) > kMillisMax || std::abs(range.end_millis) > kMillisMax) {
    return Error(Code::kInvalid, "the query's times are out of range");
  }
  auto steps = static_cast<uint64_t>((range.end_millis - range.start_millis) / range.step_millis);
  if (steps <= options.limits.steps_max) return ok_status();
  return Error(Code::kLimit,
               fmt::format("exceeded maximum resolution of {} points per timeseries. Try decreasing the query "
                           "resolution (?step=XX)",
                           options.limits.steps_max));
}

}  // namespace

Result<Answer> run_instant(const contract::MetricSource& source, const contract::Access& access, std::string_view text,
                           int64_t at_millis, const Options& options) {
  if (std::abs(at_millis) > kMillisMax) return Error(Code::kInvalid, "the query's time is out of range");
  return run(source, access, text, {at_millis, at_millis, 0}, options);
}

Result<Answer> run_range(const contract::MetricSource& source, const contract::Access& access, std::string_view text,
                         const Range& range, const Options& options) {
  CLEW_TRY(check_range(range, options));
  return run(source, access, text, {range.start_millis, range.end_millis, range.step_millis}, options);
}

Result<std::string> format_query(std::string_view text, const ParseOptions& options) {
  ExprPtr expr = CLEW_TRY(parse(text, options));
  return print_pretty(*expr);
}

Result<std::string> explain(std::string_view text, const Range& range, const Options& options) {
  ExprPtr expr = CLEW_TRY(parse(text, options.parse));
  CLEW_TRY(prepare(*expr, text, {range.start_millis, range.end_millis, range.step_millis}, options));
  return plan_text(*expr, nullptr);
}

}  // namespace clew::query::promql
