// Metrics of events by rule: what a configuration says under metrics.from_logs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "derive/instrument.h"
#include "feed/block.h"
#include "feed/expression.h"

namespace clew::derive {

constexpr size_t kLogRulesMax = 200;
constexpr size_t kRuleLabelsMax = 20;

struct LogRule {
  std::string name = {};  // of the metric
  MetricKind kind = MetricKind::kCounter;
  std::string help = {};
  std::vector<std::string> datasets = {};                        // empty: all
  std::string where = {};                                        // a PPL condition; empty: every event
  std::string value = {};                                        // a field; empty: events are counted (counters only)
  std::vector<std::pair<std::string, std::string>> labels = {};  // label and field
  std::vector<double> bounds = {};                               // of a histogram
};

// Errors: kInvalid, naming what is wrong and how to write it.
Status check_log_rule(const LogRule& rule);

// One rule at work.
//
// Threads: one at a time.  Lifetime: budget and metrics outlive it.
class LogMetric {
 public:
  // Errors: those of check_log_rule().
  static Result<std::unique_ptr<LogMetric>> make(const LogRule& rule, int64_t now, SeriesBudget& budget,
                                                 base::Registry& metrics);

  // An event whose condition cannot be computed, or whose value is no number, is left out and counted.
  // Errors: those of Block::column().
  Status take(feed::Block& block, int64_t now_millis);
  Instrument& instrument() { return instrument_; }

 private:
  LogMetric(const LogRule& rule, SeriesBudget& budget, base::Registry& metrics);
  Status add(feed::Block& block, int64_t now_millis);

  const LogRule rule_;
  std::unique_ptr<feed::Expression> condition_;  // null: every event
  Instrument instrument_;
  base::Counter& left_out_;
};

}  // namespace clew::derive
