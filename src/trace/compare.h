// One request beside others: another one, or what is typical of its operation.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/worker_pool.h"
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

// Whether a step is one that the others have as well.
enum class Presence : uint8_t { kUsual, kOnlyHere, kMissingHere };

// What requests that begin with the same operation usually do.
struct TypicalPath {
  std::vector<std::string> path;
  uint32_t requests = 0;    // that have it
  double steps = 0;         // of those, on average
  int64_t self_median = 0;  // ns in a request
  int64_t self_p95 = 0;
  PathTotal here;  // in the request that is looked at
  // Said of the topmost steps alone: what is beneath them is only here, or missing here, as well.
  Presence presence = Presence::kUsual;
  int64_t self_excess() const { return here.self - self_median; }
};

struct Typical {
  std::string service;  // of the operation that makes requests alike
  std::string operation;
  uint32_t requests = 0;  // looked at
  int64_t duration_median = 0;
  int64_t duration_p95 = 0;
  double slower_than = 0;          // share of them that took less time
  std::vector<TypicalPath> paths;  // what is only here or missing here, then the greatest excess first
};

constexpr uint32_t kTypicalRequests = 50;
constexpr uint32_t kOthersLeast = 5;    // fewer say nothing of what is usual
constexpr uint32_t kRarePercent = 10;   // of the others have it at most: it is only here
constexpr uint32_t kUsualPercent = 80;  // of the others have it at least: it is missing where it is not

// Compares with the newest requests (at most kTypicalRequests) that begin with the same root and do the same behind it:
// where a root's service asks one thing of one other, as a gateway does, that operation makes requests alike.
// Errors: kNotFound when there is no root; kCancelled, kIo.
Result<Typical> typical_of(contract::EventSource& source, const contract::Access& access, const Trace& trace,
                           base::WorkerPool& pool, std::stop_token stop);

}  // namespace clew::trace
