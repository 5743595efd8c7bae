#include "collect/cpu_budget.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace clew::collect {
namespace {

constexpr double kSavedNanosMax = 500'000'000;  // times the budget
constexpr uint64_t kShareNanosMin = 1'000'000'000;
constexpr uint64_t kSleepNanos = 20'000'000;  // before `stop` is looked at

}  // namespace

CpuBudget::CpuBudget(double cores, const os::Clock& clock, std::function<uint64_t()> used_nanos)
    : cores_(cores),
      clock_(clock),
      used_nanos_(std::move(used_nanos)),
      at_ns_(clock.monotonic_ns()),
      used_(used_nanos_()),
      share_at_ns_(at_ns_),
      share_used_(used_) {}

uint64_t CpuBudget::wait_nanos() {
  if (cores_ <= 0) return 0;
  base::MutexLock lock(mutex_);
  uint64_t now = clock_.monotonic_ns(), used = used_nanos_();
  saved_nanos_ += static_cast<double>(now - at_ns_) * cores_ - static_cast<double>(used - used_);
  saved_nanos_ = std::min(saved_nanos_, kSavedNanosMax * cores_);
  at_ns_ = now;
  used_ = used;
  if (saved_nanos_ >= 0) return 0;
  return static_cast<uint64_t>(std::min(-saved_nanos_ / cores_, static_cast<double>(kWaitNanosMax))) + 1;
}

void CpuBudget::keep(const std::atomic<bool>& stop) {
  for (uint64_t wait = wait_nanos(); wait > 0 && !stop; wait = wait_nanos()) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(wait, kSleepNanos)));
  }
}

double CpuBudget::share() {
  base::MutexLock lock(mutex_);
  uint64_t now = clock_.monotonic_ns();
  if (now - share_at_ns_ < kShareNanosMin) return share_;
  uint64_t used = used_nanos_();
  share_ = static_cast<double>(used - share_used_) / static_cast<double>(now - share_at_ns_);
  share_at_ns_ = now;
  share_used_ = used;
  return share_;
}

}  // namespace clew::collect
