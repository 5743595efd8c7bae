// Worker: a thread that follows the feed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "contract/event_feed.h"
#include "os/clock.h"

namespace clew::feed {

constexpr uint64_t kNever = UINT64_MAX;

// Threads:  its own calls `work`; stop() on any, once nothing else uses it.
// Lifetime: feed and clock outlive it.
class Worker {
 public:
  // Does a piece of work. Gives when the next is due, on the monotonic clock: 0 at once, kNever after a commit. It is
  // called after commits too, but for one that asked for a pause: not before that is over.
  struct Next {
    uint64_t due_ns = kNever;
    bool pause = false;
  };
  using Work = std::function<Next(const std::stop_token& stop)>;

  Worker(contract::EventFeed& feed, const os::Clock& clock, const std::string& thread_name, Work work);
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The work at hand is finished; none follows.
  void stop();

 private:
  void run(const std::stop_token& stop);

  const os::Clock& clock_;
  const Work work_;
  const std::shared_ptr<contract::Bell> bell_ = std::make_shared<contract::Bell>();
  std::jthread thread_;
};

}  // namespace clew::feed
