// A rule as it runs: what it asks, what it writes, and the alerts that it holds.
//
// The state of an alert: pending from its first result, firing once it has had one for `for`, and resolved when it has
// none any more; a firing one without a result stays firing for `keep_firing_for`. Resolved ones are kept a while, so
// that whoever tells people about them can.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/rule.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/metric.h"
#include "query/promql/promql.h"

namespace clew::alert {

// Asks an instant query. What is cut or damaged must be an error: a rule would take it for "nothing is wrong".
using Ask = std::function<Result<query::promql::Answer>(const std::string& text, int64_t at_millis)>;

enum class AlertState : uint8_t { kInactive, kPending, kFiring };
std::string_view alert_state_text(AlertState state);

struct ActiveAlert {
  AlertState state = AlertState::kPending;
  model::Labels labels;
  NamedTexts annotations;
  double value = 0;
  int64_t active_at_millis = 0;
  // 0 where it has not come to it.
  int64_t fired_at_millis = 0;
  int64_t resolved_at_millis = 0;
  int64_t keep_firing_since_millis = 0;
  int64_t told_at_millis = 0;  // that whoever notifies was told last
};

enum class Health : uint8_t { kUnknown, kOk, kErr };
std::string_view health_text(Health health);

struct RuleStatus {
  Health health = Health::kUnknown;
  std::string last_error;
  std::vector<std::string> warnings;  // of the last query
  int64_t evaluated_at_millis = 0;    // 0: never
  uint64_t evaluation_ns = 0;
};

// What a rule writes at one time.
struct RuleSample {
  model::Labels labels;
  double value = 0;
  model::HistogramPtr histogram;  // in place of the value
};

struct RuleRun {
  int64_t at_millis = 0;      // the time that is evaluated
  int64_t offset_millis = 0;  // the rule asks for, and writes at, so much before
  uint64_t limit = 0;
  const Ask* ask = nullptr;
  const Externals* externals = nullptr;
};

// Threads: one at a time.
class RunningRule {
 public:
  explicit RunningRule(Rule rule);

  // What the rule says, to be written at at_millis - offset_millis.
  // Errors: of the query; kInvalid for two results with the same labels; kLimit over the group's limit. The alerts stay
  // as they were, but over the limit, where none is left.
  Result<std::vector<RuleSample>> evaluate(const RuleRun& run);

  // Alerts that become pending in the next successful evaluation have been so since these times: what was found of a
  // run before. Keys: the labels of ALERTS_FOR_STATE, without its name.
  void restore(std::map<model::Labels, int64_t> active_since) { restored_ = std::move(active_since); }
  // Takes over what a rule of the same name held before a reload.
  void take_state(RunningRule& before);
  // The wall clock has jumped: times of alerts go along, so that what was observed counts and nothing else.
  void shift_times(int64_t millis);

  const Rule& rule() const { return rule_; }
  // By labels.
  std::vector<ActiveAlert> alerts() const;
  // Those that fire or were resolved and are to be told of at this time: at once, and then again every `again_millis`.
  std::vector<ActiveAlert> take_told(int64_t at_millis, int64_t again_millis);
  AlertState state() const;

  RuleStatus status;
  std::map<model::Labels, bool> written;  // series of the last evaluation: those that are missing next time have ended

 private:
  Result<std::vector<RuleSample>> record(const RuleRun& run, query::promql::Answer answer) const;
  Result<std::vector<RuleSample>> alert(const RuleRun& run, const query::promql::Answer& answer);
  Result<std::map<model::Labels, ActiveAlert>> found_alerts(const RuleRun& run,
                                                            const query::promql::Answer& answer) const;
  // Advances an alert; false: it is over and nothing is written of it.
  bool advance(ActiveAlert& alert, bool has_result, int64_t at_millis) const;

  const Rule rule_;
  std::map<model::Labels, ActiveAlert> active_;
  std::map<model::Labels, int64_t> restored_;
};

}  // namespace clew::alert
