#include "alert/running_rule.h"

#include <fmt/format.h>

#include "alert/expand.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

constexpr int64_t kResolvedKeptMillis = 15 * 60'000;  // as Prometheus: long enough for every receiver to hear of it

// Calls `each(labels, value, histogram)` of what an instant query gave.
template <class Each>
Status for_each_result(const promql::Answer& answer, const Each& each) {
  if (answer.type == promql::ValueType::kScalar) return each(model::Labels(), answer.scalar, model::HistogramPtr());
  if (answer.type != promql::ValueType::kVector) {
    return Error(Code::kInvalid, "rule result is not a vector or scalar");
  }
  for (const promql::ResultSeries& series : answer.series) {
    const model::SampleColumns& samples = series.samples;
    if (samples.size() == 0) continue;
    model::HistogramPtr histogram = samples.histograms.empty() ? nullptr : samples.histograms.back();
    CLEW_TRY(each(series.labels, samples.values.back(), histogram));
  }
  return {};
}

model::Labels named(const model::Labels& labels, std::string_view metric) {
  return model::LabelsBuilder(labels).set(model::kMetricNameLabel, metric).build();
}

}  // namespace

std::string_view alert_state_text(AlertState state) {
  switch (state) {
    case AlertState::kInactive: return "inactive";
    case AlertState::kPending: return "pending";
    case AlertState::kFiring: return "firing";
  }
  return "";
}

std::string_view health_text(Health health) {
  switch (health) {
    case Health::kUnknown: return "unknown";
    case Health::kOk: return "ok";
    case Health::kErr: return "err";
  }
  return "";
}

RunningRule::RunningRule(Rule rule) : rule_(std::move(rule)) {}

Result<std::vector<RuleSample>> RunningRule::evaluate(const RuleRun& run) {
  promql::Answer answer = CLEW_TRY((*run.ask)(rule_.expr, run.at_millis - run.offset_millis));
  status.warnings = answer.warnings;
  if (rule_.kind == RuleKind::kRecord) return record(run, std::move(answer));
  return alert(run, answer);
}

Result<std::vector<RuleSample>> RunningRule::record(const RuleRun& run, promql::Answer answer) const {
  std::vector<RuleSample> samples;
  std::map<model::Labels, bool> seen;
  CLEW_TRY(for_each_result(answer, [&](const model::Labels& labels, double value, const auto& histogram) -> Status {
    model::LabelsBuilder builder(labels);
    builder.set(model::kMetricNameLabel, rule_.name);
    for (const auto& [name, text] : rule_.labels) builder.set(name, text);
    RuleSample sample{builder.build(), value, histogram};
    if (!seen.emplace(sample.labels, true).second) {
      return Error(Code::kInvalid, "vector contains metrics with the same labelset after applying rule labels: " +
                                       to_text(sample.labels));
    }
    samples.push_back(std::move(sample));
    return {};
  }));
  if (run.limit > 0 && samples.size() > run.limit) {
    return Error(Code::kLimit, fmt::format("exceeded limit of {} with {} series", run.limit, samples.size()));
  }
  return samples;
}

Result<std::map<model::Labels, ActiveAlert>> RunningRule::found_alerts(const RuleRun& run,
                                                                       const promql::Answer& answer) const {
  std::map<model::Labels, ActiveAlert> found;
  CLEW_TRY(for_each_result(answer, [&](const model::Labels& labels, double value, const auto&) -> Status {
    Surroundings around{
        .labels = labels, .value = value, .at_millis = run.at_millis, .ask = run.ask, .externals = run.externals};
    model::LabelsBuilder builder(labels);
    builder.remove(model::kMetricNameLabel);
    for (const auto& [name, text] : rule_.labels) builder.set(name, expand_or_error(text, around));
    builder.set("alertname", rule_.name);
    ActiveAlert alert;
    alert.labels = builder.build();
    alert.value = value;
    alert.active_at_millis = run.at_millis;
    for (const auto& [name, text] : rule_.annotations) {
      alert.annotations.emplace_back(name, expand_or_error(text, around));
    }
    model::Labels key = alert.labels;
    if (!found.emplace(std::move(key), std::move(alert)).second) {
      return Error(Code::kInvalid, "vector contains metrics with the same labelset after applying alert labels: " +
                                       to_text(builder.build()));
    }
    return {};
  }));
  return found;
}

bool RunningRule::advance(ActiveAlert& alert, bool has_result, int64_t at_millis) const {
  if (has_result) {
    alert.keep_firing_since_millis = 0;
  } else {
    bool keep = false;
    if (alert.state == AlertState::kFiring && rule_.keep_firing_millis > 0) {
      if (alert.keep_firing_since_millis == 0) alert.keep_firing_since_millis = at_millis;
      keep = at_millis - alert.keep_firing_since_millis < rule_.keep_firing_millis;
    }
    if (!keep) {
      if (alert.state != AlertState::kInactive) {
        alert.resolved_at_millis = at_millis;
        alert.state = AlertState::kInactive;
      }
      return false;
    }
  }
  if (alert.state == AlertState::kPending && at_millis - alert.active_at_millis >= rule_.for_millis) {
    alert.state = AlertState::kFiring;
    alert.fired_at_millis = at_millis;
  }
  return true;
}

Result<std::vector<RuleSample>> RunningRule::alert(const RuleRun& run, const promql::Answer& answer) {
  std::map<model::Labels, ActiveAlert> found = CLEW_TRY(found_alerts(run, answer));
  for (auto& [labels, alert] : found) {
    auto held = active_.find(labels);
    if (held != active_.end() && held->second.state != AlertState::kInactive) {
      held->second.value = alert.value;
      held->second.annotations = alert.annotations;
      continue;
    }
    if (auto since = restored_.find(labels); since != restored_.end()) alert.active_at_millis = since->second;
    active_.insert_or_assign(labels, alert);
  }
  restored_.clear();
  std::vector<RuleSample> samples;
  uint64_t held = 0;
  for (auto at = active_.begin(); at != active_.end();) {
    ActiveAlert& alert = at->second;
    bool has_result = found.count(at->first) > 0;
    bool over =
        !has_result &&
        (alert.state == AlertState::kPending ||
         (alert.state == AlertState::kInactive && run.at_millis - alert.resolved_at_millis > kResolvedKeptMillis));
    if (over) {
      at = active_.erase(at);
      continue;
    }
    if (advance(alert, has_result, run.at_millis)) {
      ++held;
      samples.push_back(
          {model::LabelsBuilder(named(alert.labels, "ALERTS")).set("alertstate", alert_state_text(alert.state)).build(),
           1,
           {}});
      // Seconds, as Prometheus writes it; what is less than a second of an alert's begin is lost over a restart.
      samples.push_back(
          {named(alert.labels, "ALERTS_FOR_STATE"), static_cast<double>(alert.active_at_millis / 1000), {}});
    }
    ++at;
  }
  if (run.limit > 0 && held > run.limit) {
    active_.clear();
    return Error(Code::kLimit, fmt::format("exceeded limit of {} with {} alerts", run.limit, held));
  }
  return samples;
}

void RunningRule::take_state(RunningRule& before) {
  active_ = std::move(before.active_);
  restored_ = std::move(before.restored_);
  written = std::move(before.written);
  status = std::move(before.status);
  before.active_.clear();
  before.restored_.clear();
  before.written.clear();
}

void RunningRule::shift_times(int64_t millis) {
  for (auto& [labels, alert] : active_) {
    for (int64_t* time : {&alert.active_at_millis, &alert.fired_at_millis, &alert.resolved_at_millis,
                          &alert.keep_firing_since_millis, &alert.told_at_millis}) {
      if (*time != 0) *time += millis;
    }
  }
}

std::vector<ActiveAlert> RunningRule::alerts() const {
  std::vector<ActiveAlert> out;
  for (const auto& [labels, alert] : active_) out.push_back(alert);
  return out;
}

std::vector<ActiveAlert> RunningRule::take_told(int64_t at_millis, int64_t again_millis) {
  std::vector<ActiveAlert> out;
  for (auto& [labels, alert] : active_) {
    if (alert.state == AlertState::kPending) continue;
    int64_t changed = alert.state == AlertState::kFiring ? alert.fired_at_millis : alert.resolved_at_millis;
    // One that was resolved before anybody heard of it needs no word.
    if (alert.state == AlertState::kInactive && alert.told_at_millis == 0) continue;
    if (alert.told_at_millis >= changed && at_millis - alert.told_at_millis < again_millis) continue;
    alert.told_at_millis = at_millis;
    out.push_back(alert);
  }
  return out;
}

AlertState RunningRule::state() const {
  AlertState most = AlertState::kInactive;
  for (const auto& [labels, alert] : active_) most = std::max(most, alert.state);
  return most;
}

}  // namespace clew::alert
