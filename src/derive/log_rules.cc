#include "derive/log_rules.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace clew::derive {
namespace {

bool is_name(std::string_view text, bool colons) {
  auto fits = [colons](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colons && c == ':');
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits) && (text[0] < '0' || text[0] > '9');
}

Error wrong(std::string message) { return Error(Code::kInvalid, std::move(message)); }

InstrumentPlan plan_of(const LogRule& rule) {
  InstrumentPlan plan{.name = "log/" + rule.name,
                      .labels = {},
                      .families = {{.name = rule.name, .kind = rule.kind, .help = rule.help, .bounds = rule.bounds}}};
  for (const auto& [label, field] : rule.labels) plan.labels.push_back(label);
  return plan;
}

}  // namespace

Status check_log_rule(const LogRule& rule) {
  if (!is_name(rule.name, true)) {
    return wrong("name: " + clew::quoted(rule.name) + " is no name of a metric: letters, digits, _ and :");
  }
  if (rule.name.starts_with("traces_") || rule.name.starts_with("clew_")) {
    return wrong("name: " + clew::quoted(rule.name) + ": names that begin with traces_ or clew_ are clew's own");
  }
  if (rule.kind != MetricKind::kCounter && rule.value.empty()) {
    return wrong("value: a gauge or histogram is of a field: write value: duration_ms");
  }
  if (rule.kind == MetricKind::kHistogram && rule.bounds.empty()) {
    return wrong("buckets: a histogram has some: write buckets: [0.1, 1, 10]");
  }
  if (rule.kind != MetricKind::kHistogram && !rule.bounds.empty()) return wrong("buckets: only a histogram has some");
  if (!std::is_sorted(rule.bounds.begin(), rule.bounds.end(), std::less_equal<double>())) {
    return wrong("buckets: bounds must rise");
  }
  if (rule.labels.size() > kRuleLabelsMax) return wrong("labels: more than 20 of them");
  std::set<std::string> seen;
  for (const auto& [label, field] : rule.labels) {
    bool own = label == "le" || label.starts_with("__");
    if (!is_name(label, false) || own) return wrong("labels: " + clew::quoted(label) + " is no name of a label");
    if (field.empty())
      return wrong("labels: " + clew::quoted(label) + " lacks a field: write labels: {path: url.path}");
    if (!seen.insert(label).second) return wrong("labels: " + clew::quoted(label) + " is there twice");
  }
  if (rule.where.empty()) return {};
  auto condition = feed::Expression::make(rule.where, feed::Expression::Kind::kCondition, 0);
  return condition.ok() ? Status() : Status(std::move(condition).error().at("where"));
}

LogMetric::LogMetric(const LogRule& rule, SeriesBudget& budget, base::Registry& metrics)
    : rule_(rule),
      instrument_(plan_of(rule), budget),
      left_out_(metrics.counter("clew_derived_rule_left_out_total",
                                "Events that a rule of metrics.from_logs could not take: no number, or a condition "
                                "that cannot be computed",
                                {{"rule", rule.name}})) {}

Result<std::unique_ptr<LogMetric>> LogMetric::make(const LogRule& rule, int64_t now, SeriesBudget& budget,
                                                   base::Registry& metrics) {
  CLEW_TRY(check_log_rule(rule));
  std::unique_ptr<LogMetric> made(new LogMetric(rule, budget, metrics));
  if (!rule.where.empty()) {
    made->condition_ = CLEW_TRY(feed::Expression::make(rule.where, feed::Expression::Kind::kCondition, now));
  }
  return made;
}

Status LogMetric::take(feed::Block& block, int64_t now_millis) {
  const auto& datasets = rule_.datasets;
  bool reads = datasets.empty() || std::find(datasets.begin(), datasets.end(), block.dataset()) != datasets.end();
  if (!reads) return {};
  if (condition_ == nullptr) return add(block, now_millis);
  Result<model::Selection> kept = condition_->filter(block);
  if (!kept.ok() && kept.error().code() == Code::kInvalid) {
    left_out_.add(block.rows());
    return {};
  }
  if (!kept.ok()) return std::move(kept).error();
  if (kept->empty()) return {};
  feed::Block left = block.narrowed(*kept);
  return add(left, now_millis);
}

Status LogMetric::add(feed::Block& block, int64_t now_millis) {
  model::VectorPtr values;
  if (!rule_.value.empty()) values = CLEW_TRY(block.column(rule_.value));
  model::VectorPtr weights = CLEW_TRY(block.column("_weight"));
  model::VectorPtr ids = CLEW_TRY(block.column("_id"));
  model::VectorPtr seqs = CLEW_TRY(block.column("_seq"));
  model::VectorPtr trace = CLEW_TRY(block.column("trace_id"));
  model::VectorPtr span = CLEW_TRY(block.column("span_id"));
  feed::Texts events(ids);
  feed::Texts traces(trace);
  feed::Texts spans(span);
  std::vector<feed::Texts> labels;
  for (const auto& [label, field] : rule_.labels) {
    model::VectorPtr column = CLEW_TRY(block.column(field));
    labels.emplace_back(std::move(column));
  }
  std::vector<std::string_view> texts(labels.size());
  for (uint32_t row = 0; row < block.rows(); ++row) {
    std::optional<double> value = values != nullptr ? feed::number_at(*values, row) : std::optional<double>(1);
    bool takes = value && std::isfinite(*value) && (rule_.kind != MetricKind::kCounter || *value >= 0);
    if (!takes) {
      left_out_.add();
      continue;
    }
    for (size_t i = 0; i < labels.size(); ++i) texts[i] = labels[i].at(row);
    Origin origin{.trace_id = traces.at(row), .span_id = spans.at(row), .event_id = {}};
    if (origin.trace_id.empty()) origin.event_id = events.at(row);
    double weight = feed::number_at(*weights, row).value_or(1);
    Instrument::RowId id = instrument_.row(texts, now_millis);
    switch (rule_.kind) {
      case MetricKind::kCounter: instrument_.add(id, 0, *value * weight, origin, now_millis); break;
      case MetricKind::kGauge: instrument_.set(id, 0, *value, static_cast<uint64_t>(seqs->i64[seqs->at(row)])); break;
      case MetricKind::kHistogram: instrument_.observe(id, 0, *value, origin, now_millis, weight); break;
    }
  }
  return {};
}

}  // namespace clew::derive
