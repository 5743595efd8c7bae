// The notation of series in tests, Prometheus' own: `http_requests{job="a"} 0+10x5 _ stale {{schema:0 count:4
// buckets:[1 2 1]}}`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/metric.h"

namespace clew::query::promql {

constexpr size_t kSeriesPointsMax = 10'000'000;

struct SeriesPoint {
  bool present = false;
  double value = 0;  // may be the staleness marker
  model::HistogramPtr histogram;
  bool hint_given = false;  // counter_reset_hint stands there
  int64_t start_shift = 0;  // of @st series: milliseconds from the sample's time to its start
};

struct SeriesText {
  model::Labels labels;
  bool starts = false;  // `@st`: the points say when samples began to count
  std::vector<SeriesPoint> points;
};

// Errors: kInvalid with what was not understood.
Result<SeriesText> parse_series(std::string_view text);
// A metric alone: `up{job="a"}`, `{}`.
Result<model::Labels> parse_labels(std::string_view text);
// Points alone: promtool's `values`.
Result<std::vector<SeriesPoint>> parse_points(std::string_view text, bool starts);

}  // namespace clew::query::promql
