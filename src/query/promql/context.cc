#include "query/promql/context.h"

#include <fmt/format.h>

#include <algorithm>

namespace clew::query::promql {

Context::Context(const contract::MetricSource& from, contract::Access who, const Options& how, std::string_view text,
                 Grid grid)
    : source(from),
      access(std::move(who)),
      options(how),
      query_grid(grid),
      annotations(text),
      own_clock_(how.clock != nullptr ? nullptr : os::make_real_clock()),
      clock_(how.clock != nullptr ? *how.clock : *own_clock_),
      started_ns_(clock_.monotonic_ns()) {}

Status Context::check() const {
  if (options.stop.stop_requested()) return Error(Code::kCancelled, "query was canceled in expression evaluation");
  uint64_t limit = options.limits.millis_max;
  if (limit > 0 && clock_.monotonic_ns() - started_ns_ > limit * 1'000'000) {
    return Error(Code::kDeadline, fmt::format("query timed out in expression evaluation after {} ms", limit));
  }
  return ok_status();
}

Status Context::count_samples(uint64_t samples) {
  uint64_t total = samples_.fetch_add(samples) + samples;
  if (total <= options.limits.samples_max) return ok_status();
  return Error(Code::kLimit,
               fmt::format("query processing would load too many samples into memory in query execution: more than {}",
                           options.limits.samples_max));
}

Status Context::check_series(uint64_t series) const {
  if (series <= options.limits.series_max) return ok_status();
  return Error(Code::kLimit,
               fmt::format("the query has {} series in one place, at most {} are allowed: narrow its selectors", series,
                           options.limits.series_max));
}

Status Context::hold(uint64_t bytes) {
  uint64_t now = memory_.fetch_add(bytes) + bytes;
  if (now > options.limits.memory_bytes_max) {
    memory_.fetch_sub(bytes);
    return Error(Code::kLimit, fmt::format("the query needs more than {} MiB of memory: ask for fewer series or steps",
                                           options.limits.memory_bytes_max >> 20));
  }
  uint64_t peak = memory_peak_.load();
  while (now > peak && !memory_peak_.compare_exchange_weak(peak, now)) {
  }
  return ok_status();
}

Status Context::parallel(size_t count, size_t grain, const Task& task) const {
  if (count == 0) return ok_status();
  size_t lanes = (count + grain - 1) / grain;
  std::vector<Status> results(lanes);
  std::atomic<bool> failed{false};
  auto work = [&](uint32_t lane) {
    if (failed.load(std::memory_order_relaxed)) return;
    results[lane] = check();
    size_t begin = lane * grain;
    if (results[lane].ok()) results[lane] = task(lane, begin, std::min(count, begin + grain));
    if (!results[lane].ok()) failed.store(true, std::memory_order_relaxed);
  };
  // Most queries are done before another thread would have begun: on a machine that is busy, waiting for one costs more
  // than the whole query.
  uint32_t alone = 0;
  for (uint64_t begun = now_ns(); alone < lanes; ++alone) {
    if (alone > 0 && options.pool != nullptr && now_ns() - begun > options.alone_nanos) break;
    work(alone);
  }
  if (alone < lanes) {
    options.pool->run(static_cast<uint32_t>(lanes) - alone, [&](uint32_t lane) { work(alone + lane); });
  }
  for (Status& result : results) {
    if (!result.ok()) return std::move(result);
  }
  return ok_status();
}

NodeCount& Context::node(const Expr& expr) {
  base::MutexLock lock(mutex_);
  return nodes_[&expr];
}

}  // namespace clew::query::promql
