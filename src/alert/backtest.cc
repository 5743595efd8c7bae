#include "alert/backtest.h"

#include <algorithm>
#include <map>

namespace clew::alert {
namespace {

// The states of one alert, gone through at the steps at which its condition held.
class States {
 public:
  States(const Rule& rule, const BacktestRange& range, model::Labels labels)
      : rule_(rule), range_(range), labels_(std::move(labels)) {}

  void hold(int64_t at, double value, BacktestResult& result) {
    if (held_ && at - last_ > range_.step_millis) leave(at, result);
    if (!held_) {
      held_ = true;
      pending_ = at;
    }
    last_ = at;
    if (!firing_ && at - pending_ >= rule_.for_millis) {
      firing_ = true;
      fired_ = at;
      value_ = value;
    }
  }

  // The condition did not hold at steps between the last one and `next`.
  void leave(int64_t next, BacktestResult& result) {
    if (!held_) return;
    if (!firing_) {
      ++result.pending_only;
      held_ = false;
      return;
    }
    int64_t first_without = last_ + range_.step_millis;
    int64_t resolved = first_without + rounded_up(rule_.keep_firing_millis);
    if (next <= resolved) return;  // it was kept firing over the gap
    result.firings.push_back({labels_, pending_, fired_, resolved, false, value_});
    held_ = firing_ = false;
  }

  void end(BacktestResult& result) {
    int64_t behind = range_.to_millis + range_.step_millis;
    if (held_ && last_ + range_.step_millis < behind) leave(behind, result);
    if (!held_) return;
    if (firing_) {
      result.firings.push_back({labels_, pending_, fired_, range_.to_millis, true, value_});
    } else {
      ++result.pending_only;
    }
  }

 private:
  int64_t rounded_up(int64_t millis) const {
    return (millis + range_.step_millis - 1) / range_.step_millis * range_.step_millis;
  }

  const Rule& rule_;
  const BacktestRange& range_;
  const model::Labels labels_;
  bool held_ = false;
  bool firing_ = false;
  int64_t pending_ = 0;
  int64_t fired_ = 0;
  int64_t last_ = 0;
  double value_ = 0;
};

}  // namespace

Result<BacktestResult> backtest(const Rule& rule, const BacktestRange& range, const AskRange& ask) {
  BacktestResult result;
  std::map<model::Labels, States> states;
  int64_t piece = range.step_millis * (kBacktestStepsMost - 1);
  for (int64_t from = range.from_millis; from <= range.to_millis; from += piece + range.step_millis) {
    int64_t to = std::min(from + piece, range.to_millis);
    auto series = CLEW_TRY(ask(rule.expr, from, to, range.step_millis));
    result.steps += static_cast<uint64_t>((to - from) / range.step_millis + 1);
    for (const auto& [labels, values] : series) {
      model::Labels own = model::LabelsBuilder(labels).remove(model::kMetricNameLabel).build();
      auto at = states.try_emplace(own, rule, range, own).first;
      for (const auto& [millis, value] : values) at->second.hold(millis, value, result);
    }
  }
  for (auto& [labels, one] : states) one.end(result);
  result.series = states.size();
  std::stable_sort(result.firings.begin(), result.firings.end(),
                   [](const Firing& a, const Firing& b) { return a.from_millis < b.from_millis; });
  return result;
}

}  // namespace clew::alert
