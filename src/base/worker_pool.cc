#include "base/worker_pool.h"

#include <algorithm>
#include <chrono>

namespace clew::base {

namespace {
constexpr std::chrono::milliseconds kWaitMax{100};
}

WorkerPool::WorkerPool(uint32_t workers) {
  for (uint32_t i = 1; i < workers; ++i) threads_.emplace_back([this](std::stop_token stop) { loop(stop); });
}

WorkerPool::~WorkerPool() {
  for (std::jthread& thread : threads_) thread.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.notify_all();
  }
  threads_.clear();
}

void WorkerPool::work_on(Job& job) {
  for (;;) {
    uint32_t i = job.next.fetch_add(1);
    if (i >= job.count) return;
    (*job.task)(i);
    if (job.done.fetch_add(1) + 1 == job.count) {
      MutexLock lock(mutex_);
      ended_.notify_all();
    }
  }
}

void WorkerPool::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::shared_ptr<Job> job;
    {
      MutexLock lock(mutex_);
      if (jobs_.empty()) {
        wake_.wait_for(mutex_, kWaitMax);
        continue;
      }
      job = jobs_.front();
      // Jobs take turns, so that a short query does not wait for a long one.
      jobs_.pop_front();
      if (job->next.load() < job->count) jobs_.push_back(job);
    }
    uint32_t i = job->next.fetch_add(1);
    if (i >= job->count) continue;
    (*job->task)(i);
    if (job->done.fetch_add(1) + 1 == job->count) {
      MutexLock lock(mutex_);
      ended_.notify_all();
    }
  }
}

void WorkerPool::run(uint32_t count, const std::function<void(uint32_t)>& task) {
  if (count == 0) return;
  if (count == 1 || threads_.empty()) {
    for (uint32_t i = 0; i < count; ++i) task(i);
    return;
  }
  auto job = std::make_shared<Job>();
  job->task = &task;
  job->count = count;
  {
    MutexLock lock(mutex_);
    jobs_.push_back(job);
    wake_.notify_all();
  }
  work_on(*job);
  MutexLock lock(mutex_);
  while (job->done.load() < count) ended_.wait_for(mutex_, kWaitMax);
  std::erase(jobs_, job);
}

}  // namespace clew::base
