// When groups of rules run: each at its interval, at a place within it that its file and name give, so that groups do
// not all run at once and a restart changes no time. The same places as in Prometheus.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace clew::alert {

// A number for a group of a file, the same on every machine.
uint64_t group_hash(const std::string& file, const std::string& name);

// The last time, not after `now`, at which the group runs.  Requires: interval_millis > 0.
UnixNanos last_run_before(UnixNanos now, int64_t interval_millis, uint64_t hash);

}  // namespace clew::alert
