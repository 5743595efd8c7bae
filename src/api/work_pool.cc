#include "api/work_pool.h"

#include <pthread.h>

namespace clew::api {

WorkPool::WorkPool(const std::string& name, uint32_t threads, uint32_t waiting_max) : waiting_max_(waiting_max) {
  for (uint32_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name](const std::stop_token& stop) {
      pthread_setname_np(pthread_self(), name.c_str());
      loop(stop);
    });
  }
}

WorkPool::~WorkPool() {
  {
    base::MutexLock lock(mutex_);
    closing_ = true;
  }
  for (std::jthread& thread : threads_) thread.request_stop();
  wake_.notify_all();
  threads_.clear();
}

Status WorkPool::run(std::function<void()> work) {
  base::MutexLock lock(mutex_);
  if (closing_) return Error(Code::kUnavailable, "the server is stopping");
  if (waiting_.size() >= waiting_max_) {
    return Error(Code::kOverloaded, std::to_string(waiting_.size()) + " requests wait already, try again");
  }
  waiting_.push_back(std::move(work));
  wake_.notify_one();
  return {};
}

void WorkPool::loop(const std::stop_token& stop) {
  while (true) {
    std::function<void()> work;
    {
      base::MutexLock lock(mutex_);
      while (waiting_.empty() && !stop.stop_requested()) wake_.wait_for(mutex_, std::chrono::milliseconds(500));
      if (stop.stop_requested()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace clew::api
