// What a request waited for.
#pragma once

#include "trace/trace.h"

namespace clew::trace {

// Fills Step::self of all steps, and of the main root's tree the critical path and Step::critical. Walking back from
// the end of a step, the child that ended last is what was waited for; before it began, the next one; between them the
// step itself. What a child does beyond its parent's bounds does not count. Cost: O(n log n), no recursion.
void find_critical_path(Trace& trace);

// A step with its part of the critical path.
struct Bottleneck {
  uint32_t step = kNone;
  int64_t nanos = 0;
  double share = 0;  // of the main root's duration
};
// Largest first, at most `limit`.
std::vector<Bottleneck> bottlenecks(const Trace& trace, size_t limit);

}  // namespace clew::trace
