// Threads for work that may take long: queries, deletes, snapshots.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace clew::api {

// Threads: run on any thread. The destructor waits for the work at hand; what waits is dropped.
class WorkPool {
 public:
  WorkPool(const std::string& name, uint32_t threads, uint32_t waiting_max);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // Errors: kOverloaded when `waiting_max` pieces of work wait; kUnavailable when the pool is closing.
  Status run(std::function<void()> work);

 private:
  void loop(const std::stop_token& stop);

  const uint32_t waiting_max_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::deque<std::function<void()>> waiting_ CLEW_GUARDED_BY(mutex_);
  bool closing_ CLEW_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace clew::api
