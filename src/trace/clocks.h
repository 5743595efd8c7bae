// Differences between hosts' clocks: estimated from calls, taken out of the times, and told.
#pragma once

#include "trace/trace.h"

namespace clew::trace {

// A call between two hosts bounds how far their clocks can be apart: the callee's step must lie inside of the caller's.
// The bounds of all calls of two hosts meet in an interval; if it does not hold zero, its middle is the difference.
// Hosts are then set right outwards from that of the main root.
// Requires: parents are linked; steps carry the times that arrived. Changes start, end and shift of steps.
void correct_clocks(Trace& trace);

// What to add to a time of that host; 0 for one that is right.
int64_t shift_of(const Trace& trace, std::string_view host);

}  // namespace clew::trace
