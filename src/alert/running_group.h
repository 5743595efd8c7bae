// A group of rules as it runs: its rules one behind the other, what they say into the store, and what they said before
// and say no more marked as ended.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alert/running_rule.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/access.h"
#include "contract/alert_sink.h"
#include "contract/metric_sink.h"
#include "contract/metric_source.h"
#include "os/clock.h"

namespace clew::alert {

struct RuleView {
  Rule rule;
  RuleStatus status;
  AlertState state = AlertState::kInactive;
  std::vector<ActiveAlert> alerts;  // by labels
};

// A group at one moment.
struct GroupView {
  std::string file;
  std::string name;
  int64_t interval_millis = 0;
  uint64_t limit = 0;
  int64_t evaluated_at_millis = 0;  // 0: never
  uint64_t evaluation_ns = 0;
  std::vector<RuleView> rules;
};

// What a group works with; all of it outlives the group.
struct GroupSurroundings {
  contract::MetricSink* sink = nullptr;
  const contract::MetricSource* source = nullptr;  // where alerts of a run before are found
  contract::AlertSink* alerts = nullptr;           // who tells people; null: nobody
  const Ask* ask = nullptr;
  const os::Clock* clock = nullptr;  // null: none, as in a test of rules: nothing is timed and no jump is looked for
  contract::Access access;
};

// How many times a group was late or failed; lives on when the group goes, for those who read the numbers.
struct GroupCounters {
  base::Counter* evaluations = nullptr;
  base::Counter* failures = nullptr;
  base::Counter* missed = nullptr;
  base::Counter* samples = nullptr;
};

// Threads: evaluate() and what changes it one at a time; view() on any thread.
class RunningGroup {
 public:
  RunningGroup(RuleGroup group, GroupDefaults defaults, GroupCounters counters);

  // Runs every rule for `at_millis`. A rule that fails says so in its status and the next one runs.
  void evaluate(int64_t at_millis, const GroupSurroundings& around);
  // Finds in the store since when alerts were active at the end of a run before. Those of which nothing was written for
  // longer than `outage_millis` begin anew; an outage beyond the lookback of queries does not count as time that an
  // alert was active. Requires: a source. Errors: of the source; no alert is restored then or the rest is not.
  Status restore(int64_t at_millis, int64_t outage_millis, const GroupSurroundings& around);
  // Takes over what the rules of a group before a reload held; of rules that are gone series are ended by the next
  // evaluation.
  void take_state(RunningGroup& before);
  // Marks every series as ended.
  Status end_series(int64_t at_millis, const GroupSurroundings& around);

  const RuleGroup& group() const { return group_; }
  const GroupDefaults& defaults() const { return defaults_; }
  int64_t interval_millis() const { return group_.interval_millis.value_or(defaults_.interval_millis); }
  uint64_t hash() const { return hash_; }
  const GroupCounters& counters() const { return counters_; }
  std::shared_ptr<const GroupView> view() const;

 private:
  struct Pending;  // what rules said and is not in the store yet

  void notice_jump(const GroupSurroundings& around);
  void evaluate_rule(size_t index, int64_t at_millis, const GroupSurroundings& around, Pending& pending);
  bool reads_pending(const Rule& rule, const Pending& pending) const;
  void write(Pending& pending, const GroupSurroundings& around);
  Status write_batch(const model::MetricBatch& batch, const GroupSurroundings& around, contract::MetricAck& ack);
  void tell(int64_t at_millis, const GroupSurroundings& around);
  void blame(size_t index, const std::string& message);
  void publish(int64_t at_millis, uint64_t nanos);

  const RuleGroup group_;
  const GroupDefaults defaults_;
  const GroupCounters counters_;
  const uint64_t hash_;
  std::vector<RunningRule> rules_;
  std::vector<model::Labels> ended_;  // series of rules that a reload took away
  int64_t last_wall_ns_ = 0;
  uint64_t last_monotonic_ns_ = 0;

  mutable base::Mutex mutex_;
  std::shared_ptr<const GroupView> view_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::alert
