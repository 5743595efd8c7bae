// Bell: a thread sleeps until it is rung, or until its time is over; a ring that comes in between is not lost.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace clew::notify {

// Threads: all functions on any thread.
class Bell {
 public:
  void ring() {
    {
      std::lock_guard lock(mutex_);
      ++rings_;
    }
    rung_.notify_all();
  }
  uint64_t rings() {
    std::lock_guard lock(mutex_);
    return rings_;
  }
  // Until there was a ring after the first `seen`, or `ns` have passed, or a stop is asked for.
  void wait(const std::stop_token& stop, uint64_t seen, uint64_t ns) {
    std::unique_lock lock(mutex_);
    rung_.wait_for(lock, stop, std::chrono::nanoseconds(ns), [&] { return rings_ != seen; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any rung_;
  uint64_t rings_ = 0;
};

}  // namespace clew::notify
