// A tail: events as they come, to a client that may be too slow for them. It then misses some and is told how many.
//
// How a slow client, its bounded buffer and the count work together: the stream takes nothing while its buffer is full,
// and wakes the pump when there is room again. Meanwhile the tail stands still and holds nothing but its place, as the
// events are in the store. When it has not been at the end of the feed for kPatienceNs, it goes there, counts what it
// would have given on the way, and the next thing that the client gets is that number. A burst costs a quick client
// nothing, then, and one that is slow for good sees what is new.
#pragma once

#include <functional>
#include <memory>

#include "base/metrics.h"
#include "live/records.h"
#include "live/shared_query.h"
#include "net/live_stream.h"

namespace clew::live {

constexpr uint64_t kHeartbeatNs = 15'000'000'000;
constexpr uint64_t kPatienceNs = 5'000'000'000;
constexpr uint64_t kTailLagMax = 1'000'000;  // _seqs that a tail may lie behind; beyond, some are not even counted

struct TailMetrics {
  base::Counter& events;
  base::Counter& missed;
};

// Threads: the pump's.
class Tail final : public Follower {
 public:
  Tail(SharedQueryPtr query, net::LiveStreamPtr stream, Form form, Seq from, uint64_t now_ns, TailMetrics metrics)
      : query_(std::move(query)),
        stream_(std::move(stream)),
        form_(form),
        at_(from),
        said_ns_(now_ns),
        metrics_(metrics) {}

  Turn turn(Round& round) override;
  void stop() override;

 private:
  void jump(const Round& round);
  // Both take one window of events, and give false when the tail is over.
  bool give(Round& round);
  bool count(Round& round);
  // What becomes of a window whose rows cannot be had.
  bool leave_out(const Round& round, const Error& error);
  void miss(uint64_t events, bool exact);
  void say(std::string piece, const Round& round);

  const SharedQueryPtr query_;
  const net::LiveStreamPtr stream_;
  const Form form_;
  Seq at_;  // everything up to here was given or counted
  uint64_t said_ns_;
  bool returning_ = true;        // from an old place: has not been at the end of the feed yet, and takes its time
  uint64_t behind_ns_ = kNever;  // since when it is not at the end
  bool skipping_ = false;        // on the way to the end, giving nothing
  uint64_t missed_ = 0;
  bool missed_exact_ = true;
  TailMetrics metrics_;
};

}  // namespace clew::live
