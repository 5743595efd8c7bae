// When a rule would have fired: its expression asked over a range at once, and the alert's states gone through step by
// step.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "alert/rule.h"
#include "base/result.h"
#include "model/labels.h"

namespace clew::alert {

// A time during which an alert would have fired.
struct Firing {
  model::Labels labels;        // of the expression's result
  int64_t pending_millis = 0;  // since when the condition held
  int64_t from_millis = 0;     // it fired
  int64_t to_millis = 0;       // the step at which it was resolved; of one that still fires the end of the range
  bool open = false;           // it still fires at the end of the range
  double value = 0;            // when it fired
};

struct BacktestResult {
  std::vector<Firing> firings;  // by time
  uint64_t steps = 0;
  uint64_t series = 0;        // that the condition held for, however shortly
  uint64_t pending_only = 0;  // times that the condition held, but not for long enough
};

// Gives the expression's values over one range: begin, end and step in milliseconds; at most kBacktestStepsMost steps.
using AskRange = std::function<Result<std::vector<std::pair<model::Labels, std::vector<std::pair<int64_t, double>>>>>(
    const std::string& expr, int64_t from_millis, int64_t to_millis, int64_t step_millis)>;
constexpr int64_t kBacktestStepsMost = 10'000;

struct BacktestRange {
  int64_t from_millis = 0;
  int64_t to_millis = 0;    // not before the begin
  int64_t step_millis = 0;  // above 0: how often the rule is evaluated
};

// Requires: an alerting rule. Errors: of the question.
Result<BacktestResult> backtest(const Rule& rule, const BacktestRange& range, const AskRange& ask);

}  // namespace clew::alert
