// CpuBudget: how much of the processors an agent may use; its sources read more slowly to keep it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/mutex.h"
#include "os/clock.h"

namespace clew::collect {

// What is saved up while little is done may be used at once, up to half a second of the budget.
//
// Threads:  all functions on any thread.
// Lifetime: the clock outlives it.
class CpuBudget {
 public:
  // `cores`: 0.2 is a fifth of one core; 0: no budget. `used_nanos`: what the process has used so far.
  CpuBudget(double cores, const os::Clock& clock, std::function<uint64_t()> used_nanos);

  // To be called between pieces of work: waits until the budget is kept again, or until `stop`.
  void keep(const std::atomic<bool>& stop);
  // How long that is from now, at most kWaitNanosMax: ask again then.
  uint64_t wait_nanos();
  // What was used since the last call of at least a second ago, in cores.
  double share();

  static constexpr uint64_t kWaitNanosMax = 200'000'000;

 private:
  const double cores_;
  const os::Clock& clock_;
  const std::function<uint64_t()> used_nanos_;
  base::Mutex mutex_;
  double saved_nanos_ CLEW_GUARDED_BY(mutex_) = 0;  // of processor time; below zero: too much was used
  uint64_t at_ns_ CLEW_GUARDED_BY(mutex_);
  uint64_t used_ CLEW_GUARDED_BY(mutex_);
  uint64_t share_at_ns_ CLEW_GUARDED_BY(mutex_);
  uint64_t share_used_ CLEW_GUARDED_BY(mutex_);
  double share_ CLEW_GUARDED_BY(mutex_) = 0;
};

}  // namespace clew::collect
