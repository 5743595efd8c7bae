// Why a request failed: reasons bubble up, causes are marked, retries fold.
#pragma once

#include "trace/trace.h"

namespace clew::trace {

// Requires: children by start, times settled.
void settle_outcomes(Trace& trace);

// Steps so that parents come before their children; roots by start.
std::vector<uint32_t> parents_first(const Trace& trace);

}  // namespace clew::trace
