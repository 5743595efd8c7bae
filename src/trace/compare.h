// One request beside others: another one, or what is typical of its operation.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"
#include "trace/trace.h"

namespace clew::trace {

// Steps of the same place in the tree: the same services and names from the root down.
struct PathTotal {
  uint32_t steps = 0;
  uint32_t failed = 0;
  int64_t total = 0;  // ns, of all of them
  int64_t self = 0;
};

struct PathDifference {
  std::vector<std::string> path;  // "service: name" from the root down
  PathTotal before;
  PathTotal after;
  int64_t self_change() const { return after.self - before.self; }
};

// Every path of either trace, the greatest change of self time first.
std::vector<PathDifference> compare_traces(const Trace& before, const Trace& after);

// What requests that begin with the same operation usually do.
struct TypicalPath {
  std::vector<std::string> path;
  uint32_t requests = 0;    // that have it
  double steps = 0;         // of those, on average
  int64_t self_median = 0;  // ns in a request
  int64_t self_p95 = 0;
  PathTotal here;  // in the request that is looked at
  int64_t self_excess() const { return here.self - self_median; }
};

struct Typical {
  uint32_t requests = 0;  // looked at
  int64_t duration_median = 0;
  int64_t duration_p95 = 0;
  double slower_than = 0;          // share of them that took less time
  std::vector<TypicalPath> paths;  // the greatest excess first
};

constexpr uint32_t kTypicalRequests = 50;

// Compares with the newest requests (at most kTypicalRequests) whose root has the same service and name.
// Errors: kNotFound when there is no root; kCancelled, kIo.
Result<Typical> typical_of(contract::EventSource& source, const contract::Access& access, const Trace& trace,
                           std::stop_token stop);

}  // namespace clew::trace
