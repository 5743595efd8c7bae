// Numbers as pages of metrics write them.
#pragma once

#include <string>

namespace clew::wire {

// The shortest text that gives the same number, as Go's %g has it: `1e+06`, `0.1`, `+Inf`, `NaN`.
std::string exposition_number(double value);
// The same with a dot in whole numbers, `1.0`: OpenMetrics' form, in which bounds of buckets are kept.
std::string open_metrics_number(double value);

}  // namespace clew::wire
