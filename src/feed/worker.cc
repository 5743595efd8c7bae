#include "feed/worker.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace clew::feed {
namespace {

constexpr uint64_t kWorkEveryNs = 200'000'000;  // many small commits are read together
constexpr uint64_t kSleepNs = 3'600'000'000'000;
constexpr int kNiceness = 5;  // where processors are short, taking events in comes first

}  // namespace

Worker::Worker(contract::EventFeed& feed, const os::Clock& clock, const std::string& thread_name, Work work)
    : clock_(clock), work_(std::move(work)) {
  feed.ring_on_commit(bell_);
  thread_ = std::jthread([this, thread_name](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), thread_name.c_str());
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
    run(stop);
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  bell_->ring();
  thread_.join();
}

void Worker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    uint64_t began = clock_.monotonic_ns();
    Next next = work_(stop);
    if (next.due_ns == 0) continue;
    uint64_t earliest = next.pause ? next.due_ns : began + kWorkEveryNs;
    uint64_t due = std::max(next.due_ns, earliest);
    bool early = !next.pause;  // a commit wakes, but not before `earliest`
    for (uint64_t now = clock_.monotonic_ns(); now < due && !stop.stop_requested(); now = clock_.monotonic_ns()) {
      bool rung = bell_->wait_for(std::chrono::nanoseconds(std::min(due - now, kSleepNs)));
      if (rung && early) due = std::min(due, earliest);
    }
  }
}

}  // namespace clew::feed
