// Subscribers read a subscription's events at their own pace, at least once: nothing is left out, and what is not
// acknowledged comes again. Each name is one place in the feed; two clients that read one name get the same events.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "live/records.h"
#include "live/shared_query.h"
#include "live/subscription_store.h"
#include "live/tail.h"
#include "net/live_stream.h"

namespace clew::live {

// Events of a subscription as an endless stream: from its place on, each piece followed by the `up_to` to acknowledge.
//
// Threads: the pump's.
class SubscriberStream final : public Follower {
 public:
  SubscriberStream(const SubscriptionStore& store, Subscription subscription, SharedQueryPtr query,
                   net::LiveStreamPtr stream, Form form, uint64_t now_ns, base::Counter& events)
      : store_(store),
        subscription_(std::move(subscription)),
        query_(std::move(query)),
        stream_(std::move(stream)),
        form_(form),
        at_(Seq(subscription_.acked)),
        told_(at_),
        said_ns_(now_ns),
        events_(events) {}

  Turn turn(Round& round) override;
  void stop() override;

 private:
  bool is_there() const;
  void end_with(std::string_view code, std::string_view reason, int status);

  const SubscriptionStore& store_;
  const Subscription subscription_;
  const SharedQueryPtr query_;
  const net::LiveStreamPtr stream_;
  const Form form_;
  Seq at_;    // read up to here
  Seq told_;  // the last up_to that was sent
  uint64_t said_ns_;
  base::Counter& events_;
};

// One answer to a long poll: the next events of a subscription, or none when the time is over.
//
// Threads: the pump's, but gone().
class SubscriberPoll final : public Follower {
 public:
  // Takes the answer; once.
  using Answer = std::function<void(Result<query::LiveAnswer>)>;
  SubscriberPoll(SharedQueryPtr query, Seq after, uint64_t rows_max, uint64_t until_ns, Answer answer,
                 base::Counter& events)
      : query_(std::move(query)),
        at_(after),
        rows_max_(rows_max),
        until_ns_(until_ns),
        answer_(std::move(answer)),
        events_(events) {}

  Turn turn(Round& round) override;
  void stop() override;
  // The client has gone. Threads: any.
  void gone() { gone_.store(true); }

 private:
  Turn give(Result<query::LiveAnswer> answer);

  const SharedQueryPtr query_;
  Seq at_;
  const uint64_t rows_max_;
  const uint64_t until_ns_;
  Answer answer_;
  base::Counter& events_;
  uint64_t damaged_rows_ = 0;  // of windows that gave nothing else
  std::atomic<bool> gone_{false};
};

}  // namespace clew::live
