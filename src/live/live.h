// The live half of the server: tails, subscriptions and the threads that serve them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/event_feed.h"
#include "live/pump.h"
#include "live/records.h"
#include "live/shared_query.h"
#include "live/subscriber.h"
#include "live/subscription_store.h"
#include "net/live_stream.h"
#include "os/clock.h"
#include "os/disk.h"
#include "query/live_query.h"

namespace clew::live {

constexpr size_t kTailsMax = 2000;
constexpr size_t kSubscribersMax = 2000;  // streams and polls

struct LiveServices {
  os::Disk& disk;
  const os::Clock& clock;
  contract::EventSource& source;
  contract::EventFeed& feed;
  base::Registry& metrics;
  const geo::Sources* geo = nullptr;  // what geoip() asks
};

// Threads:  all functions on any thread.
// Lifetime: the services outlive it; it goes, or is stopped, before the HTTP server whose streams it writes.
class Live {
 public:
  // Errors: those of SubscriptionStore::open.
  static Result<std::unique_ptr<Live>> open(LiveServices services, const std::string& dir);
  ~Live();

  std::variant<std::unique_ptr<query::LiveQuery>, query::Failure> make_query(query::LiveRequest request) const;
  Seq committed() const { return services_.feed.committed(); }

  // Events behind `from` go to the stream until its client has gone. Errors: kOverloaded, kUnavailable; the stream is
  // cut.
  Status add_tail(std::unique_ptr<query::LiveQuery> query, net::LiveStreamPtr stream, Form form, Seq from);
  bool has_room_for_tail() const { return tails_->followers() < kTailsMax; }

  SubscriptionStore& subscriptions() { return *subscriptions_; }
  // Deletes it, and ends its streams. Errors: those of SubscriptionStore::remove.
  Status remove_subscription(const std::string& tenant, const std::string& name);
  // Errors: kOverloaded, kUnavailable; the stream is cut.
  Status add_stream(const Subscription& subscription, std::unique_ptr<query::LiveQuery> query,
                    net::LiveStreamPtr stream, Form form);
  struct PollRequest {
    Seq after;
    uint64_t rows_max = 0;
    uint64_t wait_ms = 0;
  };
  // `answer` is called once, on a thread of this object. Gives what to call when the client goes.
  // Errors: kOverloaded, kUnavailable; `answer` is not called then.
  Result<std::function<void()>> add_poll(std::unique_ptr<query::LiveQuery> query, const PollRequest& request,
                                         SubscriberPoll::Answer answer);

  // Says goodbye to all followers; new ones are refused.
  void stop();

 private:
  explicit Live(LiveServices services);
  // The query that followers with the same text share.
  SharedQueryPtr shared(std::unique_ptr<query::LiveQuery> query);
  Status add_to(Pump& pump, std::shared_ptr<Follower> follower, size_t most, const net::LiveStreamPtr& stream);

  using QueryKey = std::tuple<std::string, std::string, std::vector<std::string>, bool>;
  const LiveServices services_;
  base::Counter& tail_events_;
  base::Counter& tail_missed_;
  base::Counter& subscription_events_;
  std::unique_ptr<SubscriptionStore> subscriptions_;
  base::Mutex mutex_;
  std::map<QueryKey, std::weak_ptr<SharedQuery>> tail_queries_ CLEW_GUARDED_BY(mutex_);
  // Subscribers may have much to catch up with, which must not hold up a tail.
  std::unique_ptr<Pump> tails_;
  std::unique_ptr<Pump> subscribers_;
};

}  // namespace clew::live
