// Which services and operations there are, and who calls whom.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"

namespace clew::trace {

// Durations, exact up to kExactMax of them, beyond to within 1 %.
class Durations {
 public:
  static constexpr size_t kExactMax = 4096;
  void add(int64_t nanos);
  // The smallest duration that `share` of all do not exceed; 0 without any.
  int64_t quantile(double share) const;
  int64_t max() const { return max_; }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  void spill();
  uint64_t count_ = 0;
  int64_t max_ = 0;
  double sum_ = 0;
  mutable std::vector<int64_t> exact_;
  std::vector<uint64_t> buckets_;  // by logarithm, once exact_ is full
};

struct OperationCount {
  std::string name;
  std::string kind;
  uint64_t spans = 0;  // as they arrived, copies counted
  uint64_t failed = 0;
  Durations durations;
};

// By name. Of all services when `service` is empty: then `name` is the service's and `kind` empty.
// Errors: kCancelled, kIo; kLimit for more than kOperationsMax different ones.
constexpr size_t kOperationsMax = 100'000;
Result<std::vector<OperationCount>> count_operations(contract::EventSource& source, const contract::Access& access,
                                                     const contract::TimeRange& range, const std::string& service,
                                                     std::stop_token stop);

// Calls from one service to another: steps whose parent is another service's.
struct Dependency {
  std::string parent;
  std::string child;
  uint64_t calls = 0;
  uint64_t failed = 0;
  Durations durations;  // of the child's steps
};

// Every span of the range once, however often it arrived. By parent and child.
// Errors: kCancelled, kIo.
// Cost: memory for kSpansAtOnce spans; beyond, the spans are read again for each such number of them.
constexpr uint64_t kSpansAtOnce = 2'000'000;
Result<std::vector<Dependency>> find_dependencies(contract::EventSource& source, const contract::Access& access,
                                                  const contract::TimeRange& range, std::stop_token stop,
                                                  uint64_t spans_at_once = kSpansAtOnce);

}  // namespace clew::trace
