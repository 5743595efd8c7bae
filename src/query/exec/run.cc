#include "query/exec/run.h"

#include <algorithm>

#include <fmt/format.h>

namespace clew::query::exec {

namespace {
constexpr size_t kWarningsMax = 20;
}

Run::Run(const os::Clock& clock, base::WorkerPool& pool, Options options, std::stop_token stop)
    : clock_(clock), pool_(pool), options_(options), stop_(std::move(stop)), started_ns_(clock.monotonic_ns()) {}

Status Run::check() {
  if (cancelled()) return Error(Code::kCancelled, "the query was cancelled");
  if (options_.millis_max == 0 || was_cut_by_time()) return {};
  if (elapsed_ns() < options_.millis_max * 1'000'000) return {};
  return Error(Code::kDeadline, fmt::format("the query ran longer than {} ms", options_.millis_max));
}

Status Run::grow(uint64_t bytes) {
  uint64_t now = memory_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (now > options_.memory_bytes_max) {
    memory_.fetch_sub(bytes, std::memory_order_relaxed);
    return Error(Code::kLimit, fmt::format("the query needs more than {} MiB of memory",
                                           std::max<uint64_t>(options_.memory_bytes_max >> 20, 1)));
  }
  uint64_t peak = memory_peak_.load(std::memory_order_relaxed);
  while (now > peak && !memory_peak_.compare_exchange_weak(peak, now)) {
  }
  return {};
}

void Run::hide_column(uint32_t slot) {
  base::MutexLock lock(mutex_);
  hidden_.insert(slot);
}

bool Run::is_hidden(uint32_t slot) {
  base::MutexLock lock(mutex_);
  return hidden_.contains(slot);
}

void Run::warn(std::string text) {
  base::MutexLock lock(mutex_);
  if (warnings_.size() >= kWarningsMax) return;
  if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) warnings_.push_back(std::move(text));
}

std::vector<std::string> Run::warnings() {
  base::MutexLock lock(mutex_);
  return warnings_;
}

Status Held::set(uint64_t bytes) {
  if (bytes > bytes_) {
    CLEW_TRY(run_.grow(bytes - bytes_));
  } else {
    run_.shrink(bytes_ - bytes);
  }
  bytes_ = bytes;
  return {};
}

}  // namespace clew::query::exec
