#include "alert/running_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <set>

#include "alert/schedule.h"
#include "alert/template_functions.h"
#include "model/metric_batch.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

constexpr int64_t kToldAgainMillis = 60'000;
constexpr int64_t kLookbackMillis = 300'000;
// What the wall clock may gain or lose on the monotonic one between two evaluations without being a jump.
constexpr int64_t kDriftMillis = 2'000;

void collect_selectors(const promql::Expr& expr, std::vector<const promql::SelectorExpr*>& found) {
  if (expr.kind == promql::ExprKind::kSelector) found.push_back(&promql::as<promql::SelectorExpr>(expr));
  for (const promql::Expr* child : promql::children_of(expr)) collect_selectors(*child, found);
}

}  // namespace

struct RunningGroup::Pending {
  struct Part {
    size_t rule = 0;
    size_t series_begin = 0;  // in the batch
    size_t series_end = 0;
  };
  model::MetricBatch batch;
  std::vector<Part> parts;
  std::set<std::string, std::less<>> metrics;

  void add(const model::Labels& labels, int64_t millis, double value, const model::HistogramPtr& histogram) {
    metrics.emplace(labels.metric_name());
    batch.begin_series(labels);
    if (histogram != nullptr) {
      batch.add_histogram(millis, histogram);
    } else {
      batch.add_sample(millis, value);
    }
  }
  void clear() {
    batch.clear();
    parts.clear();
    metrics.clear();
  }
};

RunningGroup::RunningGroup(RuleGroup group, GroupDefaults defaults, GroupCounters counters)
    : group_(std::move(group)),
      defaults_(std::move(defaults)),
      counters_(counters),
      hash_(group_hash(group_.file, group_.name)) {
  for (const Rule& rule : group_.rules) rules_.emplace_back(rule);
  publish(0, 0);
}

void RunningGroup::evaluate(int64_t at_millis, const GroupSurroundings& around) {
  uint64_t begun = around.clock == nullptr ? 0 : around.clock->monotonic_ns();
  notice_jump(around);
  Pending pending;
  int64_t write_at = at_millis - group_.query_offset_millis.value_or(defaults_.query_offset_millis);
  for (const model::Labels& series : ended_) pending.add(series, write_at, model::stale_value(), nullptr);
  if (!ended_.empty()) write(pending, around);
  ended_.clear();
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (reads_pending(rules_[i].rule(), pending)) write(pending, around);
    evaluate_rule(i, at_millis, around, pending);
  }
  write(pending, around);
  if (around.alerts != nullptr) tell(at_millis, around);
  publish(at_millis, around.clock == nullptr ? 0 : around.clock->monotonic_ns() - begun);
}

void RunningGroup::tell(int64_t at_millis, const GroupSurroundings& around) {
  constexpr int64_t kNanosPerMilli = 1'000'000;
  std::vector<contract::Alert> alerts;
  for (RunningRule& rule : rules_) {
    for (const ActiveAlert& one : rule.take_told(at_millis, kToldAgainMillis)) {
      contract::Alert& alert = alerts.emplace_back();
      for (model::Label label : one.labels) alert.labels.emplace(label.name, label.value);
      for (const auto& [name, value] : defaults_.externals.labels) alert.labels.emplace(name, value);
      for (const auto& [name, text] : one.annotations) alert.annotations.emplace(name, text);
      alert.starts_at = UnixNanos(one.fired_at_millis * kNanosPerMilli);
      // What nobody tells of again is over after four evaluations that were left out.
      int64_t holds = at_millis + 4 * std::max(interval_millis(), kToldAgainMillis);
      bool over = one.state == AlertState::kInactive;
      alert.ends_at = UnixNanos((over ? one.resolved_at_millis : holds) * kNanosPerMilli);
      alert.generator_url = defaults_.externals.url + expression_link(rule.rule().expr);
    }
  }
  if (!alerts.empty()) around.alerts->post(alerts);
}

void RunningGroup::notice_jump(const GroupSurroundings& around) {
  if (around.clock == nullptr) return;
  int64_t wall = around.clock->now().get();
  uint64_t monotonic = around.clock->monotonic_ns();
  if (last_wall_ns_ != 0) {
    int64_t jump = (wall - last_wall_ns_ - static_cast<int64_t>(monotonic - last_monotonic_ns_)) / 1'000'000;
    if (std::abs(jump) > kDriftMillis) {
      for (RunningRule& rule : rules_) rule.shift_times(jump);
    }
  }
  last_wall_ns_ = wall;
  last_monotonic_ns_ = monotonic;
}

void RunningGroup::evaluate_rule(size_t index, int64_t at_millis, const GroupSurroundings& around, Pending& pending) {
  RunningRule& rule = rules_[index];
  RuleRun run;
  run.at_millis = at_millis;
  run.offset_millis = group_.query_offset_millis.value_or(defaults_.query_offset_millis);
  run.limit = group_.limit;
  run.ask = around.ask;
  run.externals = &defaults_.externals;
  uint64_t begun = around.clock == nullptr ? 0 : around.clock->monotonic_ns();
  Result<std::vector<RuleSample>> said = rule.evaluate(run);
  rule.status.evaluated_at_millis = at_millis;
  if (around.clock != nullptr) rule.status.evaluation_ns = around.clock->monotonic_ns() - begun;
  if (counters_.evaluations != nullptr) counters_.evaluations->add();
  if (!said.ok()) return blame(index, said.error().message());
  rule.status.health = Health::kOk;
  rule.status.last_error.clear();
  Pending::Part part{index, pending.batch.series().size(), 0};
  std::map<model::Labels, bool> before = std::move(rule.written);
  rule.written.clear();
  int64_t write_at = at_millis - run.offset_millis;
  for (const RuleSample& sample : *said) {
    pending.add(sample.labels, write_at, sample.value, sample.histogram);
    before.erase(sample.labels);
    rule.written.emplace(sample.labels, true);
  }
  for (const auto& [labels, was] : before) pending.add(labels, write_at, model::stale_value(), nullptr);
  part.series_end = pending.batch.series().size();
  if (part.series_end > part.series_begin) pending.parts.push_back(part);
}

// Whether a rule may look at what is not in the store yet.
bool RunningGroup::reads_pending(const Rule& rule, const Pending& pending) const {
  if (pending.metrics.empty()) return false;
  // Templates may ask anything.
  auto asks = [](const auto& text) { return text.second.find("query") != std::string::npos; };
  if (std::any_of(rule.annotations.begin(), rule.annotations.end(), asks)) return true;
  if (std::any_of(rule.labels.begin(), rule.labels.end(), asks)) return true;
  Result<promql::ExprPtr> tree = promql::parse(rule.expr, rule_parse_options());
  if (!tree.ok()) return true;
  std::vector<const promql::SelectorExpr*> selectors;
  collect_selectors(**tree, selectors);
  for (const promql::SelectorExpr* selector : selectors) {
    bool named = false;
    for (const contract::LabelMatcher& matcher : selector->matchers) {
      if (matcher.name != model::kMetricNameLabel || matcher.op != contract::MatchOp::kEqual) continue;
      named = true;
      if (pending.metrics.count(matcher.value) > 0) return true;
    }
    if (!named) return true;
  }
  return false;
}

Status RunningGroup::write_batch(const model::MetricBatch& batch, const GroupSurroundings& around,
                                 contract::MetricAck& ack) {
  std::promise<Result<contract::MetricAck>> done;
  std::future<Result<contract::MetricAck>> answer = done.get_future();
  around.sink->write(around.access, batch,
                     [&done](Result<contract::MetricAck> result) { done.set_value(std::move(result)); });
  ack = CLEW_TRY(answer.get());
  if (ack.refused() == 0) return {};
  return Error(Code::kInvalid, fmt::format("{} of {} samples were refused by the store; the first: {}", ack.refused(),
                                           batch.samples_count(), ack.first_refused));
}

// Everything at once, as one sync of the journal; when something was refused, rule by rule, to say whose it was: what
// is stored already is stored once.
void RunningGroup::write(Pending& pending, const GroupSurroundings& around) {
  if (pending.batch.series().empty()) return;
  contract::MetricAck ack;
  Status all = write_batch(pending.batch, around, ack);
  if (counters_.samples != nullptr) counters_.samples->add(ack.stored);
  if (!all.ok() && ack.refused() == 0) {
    for (const Pending::Part& part : pending.parts) blame(part.rule, all.error().message());
  }
  for (const Pending::Part& part : pending.parts) {
    if (ack.refused() == 0) break;
    model::MetricBatch own;
    for (size_t i = part.series_begin; i < part.series_end; ++i) {
      const model::MetricBatch::Series& series = pending.batch.series()[i];
      own.begin_series(pending.batch.labels_of(series));
      for (uint32_t s = series.samples_begin; s < series.samples_end; ++s) {
        own.add_sample(pending.batch.samples()[s].millis, pending.batch.samples()[s].value);
      }
      for (uint32_t h = series.histograms_begin; h < series.histograms_end; ++h) {
        own.add_histogram(pending.batch.histograms()[h].millis, pending.batch.histograms()[h].histogram);
      }
    }
    contract::MetricAck of_part;
    Status one = write_batch(own, around, of_part);
    if (!one.ok()) blame(part.rule, one.error().message());
  }
  pending.clear();
}

void RunningGroup::blame(size_t index, const std::string& message) {
  rules_[index].status.health = Health::kErr;
  rules_[index].status.last_error = message;
  if (counters_.failures != nullptr) counters_.failures->add();
}

Status RunningGroup::restore(int64_t at_millis, int64_t outage_millis, const GroupSurroundings& around) {
  for (RunningRule& rule : rules_) {
    if (rule.rule().kind != RuleKind::kAlert) continue;
    contract::MetricScan scan;
    scan.access = around.access;
    scan.from_millis = at_millis - outage_millis;
    scan.to_millis = at_millis;
    scan.matchers.push_back({contract::MatchOp::kEqual, std::string(model::kMetricNameLabel), "ALERTS_FOR_STATE"});
    scan.matchers.push_back({contract::MatchOp::kEqual, "alertname", rule.rule().name});
    std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(around.source->select(scan));
    std::map<model::Labels, int64_t> found;
    model::SampleColumns samples;
    for (size_t i = 0; i < set->size(); ++i) {
      CLEW_TRY(set->read(i, samples));
      if (samples.size() == 0 || model::is_stale(samples.values.back())) continue;
      int64_t active_at = static_cast<int64_t>(samples.values.back()) * 1000;
      int64_t outage = at_millis - samples.millis.back();
      if (outage > kLookbackMillis) active_at += outage;
      model::LabelsBuilder labels(set->labels(i));
      found.emplace(labels.remove(model::kMetricNameLabel).build(), active_at);
    }
    rule.restore(std::move(found));
  }
  return {};
}

void RunningGroup::take_state(RunningGroup& before) {
  std::vector<bool> taken(before.rules_.size());
  for (RunningRule& rule : rules_) {
    for (size_t i = 0; i < before.rules_.size(); ++i) {
      const Rule& other = before.rules_[i].rule();
      if (taken[i] || other.kind != rule.rule().kind || other.name != rule.rule().name ||
          other.labels != rule.rule().labels) {
        continue;
      }
      taken[i] = true;
      rule.take_state(before.rules_[i]);
      break;
    }
  }
  ended_ = std::move(before.ended_);
  for (size_t i = 0; i < before.rules_.size(); ++i) {
    if (taken[i]) continue;
    for (const auto& [labels, was] : before.rules_[i].written) ended_.push_back(labels);
  }
  last_wall_ns_ = before.last_wall_ns_;
  last_monotonic_ns_ = before.last_monotonic_ns_;
  publish(before.view()->evaluated_at_millis, before.view()->evaluation_ns);
}

Status RunningGroup::end_series(int64_t at_millis, const GroupSurroundings& around) {
  Pending pending;
  int64_t write_at = at_millis - group_.query_offset_millis.value_or(defaults_.query_offset_millis);
  for (const RunningRule& rule : rules_) {
    for (const auto& [labels, was] : rule.written) pending.add(labels, write_at, model::stale_value(), nullptr);
  }
  for (const model::Labels& labels : ended_) pending.add(labels, write_at, model::stale_value(), nullptr);
  if (pending.batch.series().empty()) return {};
  contract::MetricAck ack;
  return write_batch(pending.batch, around, ack);
}

void RunningGroup::publish(int64_t at_millis, uint64_t nanos) {
  auto view = std::make_shared<GroupView>();
  view->file = group_.file;
  view->name = group_.name;
  view->interval_millis = interval_millis();
  view->limit = group_.limit;
  view->evaluated_at_millis = at_millis;
  view->evaluation_ns = nanos;
  for (const RunningRule& rule : rules_) {
    view->rules.push_back({rule.rule(), rule.status, rule.state(), rule.alerts()});
  }
  base::MutexLock lock(mutex_);
  view_ = std::move(view);
}

std::shared_ptr<const GroupView> RunningGroup::view() const {
  base::MutexLock lock(mutex_);
  return view_;
}

}  // namespace clew::alert
