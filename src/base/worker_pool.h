// WorkerPool: a few threads that run the tasks of all questions side by side.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace clew::base {

// Threads: run() on any thread, many at a time.
class WorkerPool {
 public:
  // `workers` threads work in all, the one that calls run() included; 1 makes no thread.
  explicit WorkerPool(uint32_t workers);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Calls task(0) .. task(count - 1), several at a time, and returns when all have ended. The caller works too, so a
  // task may call run() itself.
  void run(uint32_t count, const std::function<void(uint32_t)>& task);

  uint32_t workers() const { return static_cast<uint32_t>(threads_.size()) + 1; }

 private:
  struct Job {
    const std::function<void(uint32_t)>* task = nullptr;
    uint32_t count = 0;
    std::atomic<uint32_t> next{0};
    std::atomic<uint32_t> done{0};
  };
  // Takes tasks of the job until none is left.
  void work_on(Job& job);
  void loop(const std::stop_token& stop);

  Mutex mutex_;
  CondVar wake_;   // a job came, or stop
  CondVar ended_;  // a task ended
  std::deque<std::shared_ptr<Job>> jobs_ CLEW_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

}  // namespace clew::base
