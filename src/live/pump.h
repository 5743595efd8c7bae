// Pump does the work of many followers of the feed on one thread: each gets its turn after a commit, when it is woken
// and when something of its own is due. While nothing comes the thread sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "contract/event_feed.h"
#include "os/clock.h"

namespace clew::live {

constexpr uint64_t kNever = UINT64_MAX;

// One round of turns: followers that read the same range share the piece.
//
// Threads: the pump's.
class Round {
 public:
  Round(contract::EventFeed& feed, uint64_t now_ns) : feed_(feed), committed_(feed.committed()), now_ns_(now_ns) {}

  Seq committed() const { return committed_; }
  uint64_t now_ns() const { return now_ns_; }
  const contract::FeedPiece& piece(const contract::Access& access, contract::SeqRange range);

 private:
  struct Known {
    contract::Access access;
    contract::SeqRange range;
    std::unique_ptr<const contract::FeedPiece> piece;
  };
  contract::EventFeed& feed_;
  const Seq committed_;
  const uint64_t now_ns_;
  std::vector<Known> known_;
};

// What a follower wants after its turn.
struct Turn {
  enum class Next : uint8_t {
    kAgain,  // another turn at once: it has more to do
    kWait,   // a turn after the next commit, when it is woken, or at due_ns
    kOver,   // none: it is let go
  };
  Next next = Next::kWait;
  uint64_t due_ns = kNever;  // of the monotonic clock
};

// Threads: the pump's, one call at a time.
class Follower {
 public:
  virtual ~Follower() = default;
  // A short piece of work that waits for nobody.
  virtual Turn turn(Round& round) = 0;
  // There will be no further turn: the server stops.
  virtual void stop() = 0;
};

// Threads:  all functions on any thread; followers run on the pump's own.
// Lifetime: feed and clock outlive it.
class Pump {
 public:
  Pump(contract::EventFeed& feed, const os::Clock& clock, const std::string& thread_name);
  ~Pump() { stop(); }
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // Errors: kOverloaded when there are `most` followers; kUnavailable after stop().
  Status add(std::shared_ptr<Follower> follower, size_t most);
  size_t followers() const { return count_.load(); }
  // Rings for a round of turns; what a follower's events hold on to.
  const std::shared_ptr<contract::Bell>& bell() const { return bell_; }
  // Ends all followers; nothing runs any more when it returns.
  void stop();

 private:
  void run(const std::stop_token& stop);
  // Takes new followers in; false while there are none.
  bool take_new(std::vector<std::shared_ptr<Follower>>& followers);
  void end_all(std::vector<std::shared_ptr<Follower>>& followers);

  contract::EventFeed& feed_;
  const os::Clock& clock_;
  const std::shared_ptr<contract::Bell> bell_ = std::make_shared<contract::Bell>();
  std::atomic<size_t> count_{0};
  base::Mutex mutex_;
  std::vector<std::shared_ptr<Follower>> fresh_ CLEW_GUARDED_BY(mutex_);
  bool stopped_ CLEW_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace clew::live
