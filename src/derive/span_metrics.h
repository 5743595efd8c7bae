// Rate, errors and durations of spans by service and operation, under the names of Tempo's metrics generator, and of
// goals by name and outcome.
#pragma once

#include <string>
#include <vector>

#include "derive/instrument.h"
#include "derive/spans.h"

namespace clew::derive {

struct SpanMetricsOptions {
  std::vector<std::string> dimensions;  // fields of spans that become labels too
  std::vector<double> bounds;           // of the histograms, seconds
  HistogramForm form = HistogramForm::kClassic;
};

// The name of a label for a field: letters, digits and underscores.
std::string label_name(const std::string& field);

// Threads: one at a time.  Lifetime: the budget outlives it.
class SpanMetrics {
 public:
  SpanMetrics(const SpanMetricsOptions& options, SeriesBudget& budget);
  void take(const SpanView& span, int64_t now_millis);

  Instrument& calls() { return calls_; }
  Instrument& goals() { return goals_; }

 private:
  Instrument calls_;
  Instrument goals_;
  std::vector<std::string_view> values_;
};

}  // namespace clew::derive
