#include "derive/span_metrics.h"

#include <algorithm>
#include <array>

namespace clew::derive {
namespace {

constexpr std::string_view kOwnLabels[] = {"service", "span_name", "span_kind", "status_code"};

InstrumentPlan calls_plan(const SpanMetricsOptions& options) {
  InstrumentPlan plan{.name = "spans",
                      .labels = {std::begin(kOwnLabels), std::end(kOwnLabels)},
                      .families = {{.name = "traces_spanmetrics_calls_total", .help = "Spans"},
                                   {.name = "traces_spanmetrics_latency",
                                    .kind = MetricKind::kHistogram,
                                    .help = "How long spans took, in seconds",
                                    .bounds = options.bounds}}};
  plan.form = options.form;
  for (const std::string& field : options.dimensions) {
    // A field that is called like a label of ours stands beside it.
    std::string label = label_name(field);
    bool ours = std::find(plan.labels.begin(), plan.labels.end(), label) != plan.labels.end() || label == "le";
    plan.labels.push_back(ours ? "field_" + label : label);
  }
  return plan;
}

InstrumentPlan goals_plan(const SpanMetricsOptions& options) {
  return {.name = "goals",
          .labels = {"goal", "service", "outcome"},
          .families = {{.name = "clew_goals_total", .help = "Goals that have ended"},
                       {.name = "clew_goal_duration_seconds",
                        .kind = MetricKind::kHistogram,
                        .help = "How long goals took, in seconds",
                        .bounds = options.bounds}},
          .form = options.form};
}

}  // namespace

std::string label_name(const std::string& field) {
  std::string out;
  for (char c : field) {
    bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    out.push_back(fits ? c : '_');
  }
  if (out.empty() || (out[0] >= '0' && out[0] <= '9')) out.insert(out.begin(), '_');
  if (out.starts_with("__")) out.insert(0, "field");  // those are PromQL's own
  return out;
}

SpanMetrics::SpanMetrics(const SpanMetricsOptions& options, SeriesBudget& budget)
    : calls_(calls_plan(options), budget), goals_(goals_plan(options), budget) {}

void SpanMetrics::take(const SpanView& span, int64_t now_millis) {
  Origin origin{.trace_id = span.trace_id, .span_id = span.span_id, .event_id = {}};
  values_ = {span.service, span.name, span_kind_name(span.kind), span_status_name(span.status)};
  values_.insert(values_.end(), span.dimensions.begin(), span.dimensions.end());
  Instrument::RowId row = calls_.row(values_, now_millis);
  calls_.add(row, 0, 1);
  calls_.observe(row, 1, span.seconds, origin, now_millis);
  if (!span.goal) return;
  std::string_view outcome = span.status == SpanStatus::kError ? "failed" : "ok";
  row = goals_.row(std::array{span.name, span.service, outcome}, now_millis);
  goals_.add(row, 0, 1);
  goals_.observe(row, 1, span.seconds, origin, now_millis);
}

}  // namespace clew::derive
