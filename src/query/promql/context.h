// What one running query shares between its nodes and threads: where it reads, its limits, what it has counted.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "contract/metric_source.h"
#include "os/clock.h"
#include "query/promql/annotations.h"
#include "query/promql/column.h"
#include "query/promql/options.h"

namespace clew::query::promql {

// What a node has done, for `explain analyze`.
struct NodeCount {
  std::atomic<uint64_t> series{0};   // that came out, or for a selector that it has read
  std::atomic<uint64_t> samples{0};  // read from the store by a selector; points made by others
  std::atomic<uint64_t> nanos{0};    // summed over threads, what lies below included
};

// Threads: all functions on any thread, unless they say otherwise.
class Context {
 public:
  Context(const contract::MetricSource& source, contract::Access access, const Options& options, std::string_view text,
          Grid grid);

  const contract::MetricSource& source;
  const contract::Access access;
  const Options& options;
  const Grid query_grid;  // that of the whole query
  Annotations annotations;

  // Errors: kCancelled, kDeadline.
  Status check() const;
  // Samples that came from the store. Errors: kLimit beyond options.limits.samples_max.
  Status count_samples(uint64_t samples);
  uint64_t samples() const { return samples_.load(); }
  // Errors: kLimit beyond options.limits.series_max.
  Status check_series(uint64_t series) const;
  // Errors: kLimit; nothing is held then.
  Status hold(uint64_t bytes);
  void release(uint64_t bytes) { memory_.fetch_sub(bytes); }
  uint64_t memory_peak() const { return memory_peak_.load(); }

  // task(lane, begin, end) over [0, count) in pieces of `grain`; the first failure by lane is the result.
  using Task = std::function<Status(size_t, size_t, size_t)>;
  Status parallel(size_t count, size_t grain, const Task& task) const;

  NodeCount& node(const Expr& expr);
  uint64_t now_ns() const { return clock_.monotonic_ns(); }

 private:
  std::unique_ptr<os::Clock> own_clock_;
  const os::Clock& clock_;
  const uint64_t started_ns_;
  std::atomic<uint64_t> samples_{0};
  std::atomic<uint64_t> memory_{0};
  std::atomic<uint64_t> memory_peak_{0};
  base::Mutex mutex_;
  std::map<const Expr*, NodeCount> nodes_ CLEW_GUARDED_BY(mutex_);
};

// Memory of one value, given back when it goes.
class Held {
 public:
  Held() = default;
  Held(Held&& other) noexcept : context_(other.context_), bytes_(std::exchange(other.bytes_, 0)) {}
  Held& operator=(Held&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Held() {
    if (bytes_ > 0) context_->release(bytes_);
  }
  // Errors: kLimit.
  Status add(Context& context, uint64_t bytes) {
    CLEW_TRY(context.hold(bytes));
    context_ = &context;
    bytes_ += bytes;
    return ok_status();
  }

 private:
  Context* context_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace clew::query::promql
