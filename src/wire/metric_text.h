// The canonical text of samples, for tests and people.
#pragma once

#include <string>

#include "model/metric_batch.h"

namespace clew::wire {

// A line a series: `name{label="value"} 1 @1000 2 @2000`, times in milliseconds, `since N` behind those that say when
// they began to count; `# exemplar` lines below; then a `# TYPE` line for each metric that something is known of.
std::string metric_text(const model::MetricBatch& batch);

}  // namespace clew::wire
