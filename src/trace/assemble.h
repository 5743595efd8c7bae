// From events to a trace.
#pragma once

#include "trace/trace.h"

namespace clew::trace {

struct AssembleOptions {
  bool correct_clocks = true;
  bool infer_lines = true;  // hang lines without a span id under what ran in their process at that time
};

// Puts everything together: steps out of spans, goals and tasks, copies collapsed, the tree, clocks, lines, outcomes,
// self times and the critical path. Never fails: what does not fit is shown as what it is.
// Cost: O(n log n) in the number of records, and no recursion.
Trace assemble(std::unique_ptr<Records> records, std::string id, std::string found_by, AssembleOptions options = {});

}  // namespace clew::trace
