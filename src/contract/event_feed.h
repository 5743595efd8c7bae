// EventFeed gives committed events as they come, by _seq: the one feed of tails, subscriptions, derived metrics, top-k
// and rules. What it gives is durable and deduplicated, and each event is in it once.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/access.h"
#include "contract/event_source.h"

namespace clew::contract {

// Wakes the one thread that waits for it. To ring is cheap: a flag, and a wake-up when somebody sleeps.
//
// Threads: ring on any thread, wait on one.
class Bell {
 public:
  void ring() {
    if (rung_.exchange(true)) return;
    { base::MutexLock lock(mutex_); }  // the sleeper has seen the flag down and waits, or has not looked yet
    wake_.notify_one();
  }
  // Waits until it was rung since the last wait; false when the time passed first.
  bool wait_for(std::chrono::nanoseconds time) {
    auto until = std::chrono::steady_clock::now() + time;
    base::MutexLock lock(mutex_);
    while (!rung_.exchange(false)) {
      auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) return false;
      wake_.wait_for(mutex_, left);
    }
    return true;
  }

 private:
  std::atomic<bool> rung_{false};
  base::Mutex mutex_;
  base::CondVar wake_;
};

// Events whose _seq is in (after, up_to].
struct SeqRange {
  Seq after;
  Seq up_to;
  bool contains(uint64_t seq) const { return seq > after.get() && seq <= up_to.get(); }
};

struct FedGranule {
  GranulePtr granule;
  bool whole = false;  // all that is alive in it lies in the range; else the reader looks at `_seq`
};

// A piece of the feed. No event that is committed later has a _seq up to range.up_to.
struct FeedPiece {
  SeqRange range;  // what was asked for, cut at what is committed
  std::vector<FedGranule> granules;
};

// Threads: all functions on any thread.
class EventFeed {
 public:
  virtual ~EventFeed() = default;

  // The greatest _seq that is committed; 0 when nothing is.
  virtual Seq committed() const = 0;

  // Events in the range that the caller may read. Cost: a look at every part and segment, no reading.
  virtual FeedPiece read(const Access& access, SeqRange range) = 0;

  // Grows when there is a dataset, a field, or a type of a field that was not there before.
  virtual uint64_t names_version() const = 0;

  // The bell rings after each commit, until the caller lets go of it.
  virtual void ring_on_commit(std::weak_ptr<Bell> bell) = 0;
};

}  // namespace clew::contract
