#include "live/live.h"

namespace clew::live {
namespace {

constexpr const char* kTails = "clew_tails";
constexpr const char* kTailsHelp = "Clients that follow events as they come.";
constexpr const char* kSubscribers = "clew_subscribers";
constexpr const char* kSubscribersHelp = "Streams and polls of subscriptions.";

}  // namespace

Live::Live(LiveServices services)
    : services_(services),
      tail_events_(services.metrics.counter("clew_tail_events_total", "events sent to tails")),
      tail_missed_(services.metrics.counter("clew_tail_missed_total", "events that tails were too slow for")),
      subscription_events_(services.metrics.counter("clew_subscription_events_total", "events sent to subscribers")),
      tails_(std::make_unique<Pump>(services.feed, services.clock, "clew-tail")),
      subscribers_(std::make_unique<Pump>(services.feed, services.clock, "clew-subscribe")) {
  services_.metrics.gauge(kTails, kTailsHelp, {}, [this] { return static_cast<double>(tails_->followers()); });
  services_.metrics.gauge(kSubscribers, kSubscribersHelp, {},
                          [this] { return static_cast<double>(subscribers_->followers()); });
}

Live::~Live() {
  stop();
  // The registry outlives this: its gauges must not reach into it any more.
  services_.metrics.gauge(kTails, kTailsHelp, {}, [] { return 0.0; });
  services_.metrics.gauge(kSubscribers, kSubscribersHelp, {}, [] { return 0.0; });
}

Result<std::unique_ptr<Live>> Live::open(LiveServices services, const std::string& dir) {
  auto subscriptions = CLEW_TRY(SubscriptionStore::open(services.disk, services.clock, dir, services.feed.committed()));
  std::unique_ptr<Live> live(new Live(services));
  live->subscriptions_ = std::move(subscriptions);
  return live;
}

void Live::stop() {
  tails_->stop();
  subscribers_->stop();
}

std::variant<std::unique_ptr<query::LiveQuery>, query::Failure> Live::make_query(query::LiveRequest request) const {
  return query::LiveQuery::make({services_.source, services_.feed, services_.clock, services_.geo}, std::move(request));
}

SharedQueryPtr Live::shared(std::unique_ptr<query::LiveQuery> query) {
  const query::LiveRequest& request = query->request();
  QueryKey key{request.text, request.access.tenant.get(), request.access.datasets, request.raw};
  base::MutexLock lock(mutex_);
  std::erase_if(tail_queries_, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<SharedQuery>& known = tail_queries_[key];
  if (SharedQueryPtr there = known.lock()) return there;
  auto made = std::make_shared<SharedQuery>(std::move(query));
  known = made;
  return made;
}

Status Live::add_to(Pump& pump, std::shared_ptr<Follower> follower, size_t most, const net::LiveStreamPtr& stream) {
  stream->on_change([bell = pump.bell()] { bell->ring(); });
  Status added = pump.add(std::move(follower), most);
  if (!added.ok()) stream->cut();
  return added;
}

Status Live::add_tail(std::unique_ptr<query::LiveQuery> query, net::LiveStreamPtr stream, Form form, Seq from) {
  TailMetrics metrics{tail_events_, tail_missed_};
  auto tail =
      std::make_shared<Tail>(shared(std::move(query)), stream, form, from, services_.clock.monotonic_ns(), metrics);
  return add_to(*tails_, std::move(tail), kTailsMax, stream);
}

Status Live::remove_subscription(const std::string& tenant, const std::string& name) {
  CLEW_TRY(subscriptions_->remove(tenant, name));
  subscribers_->bell()->ring();
  return {};
}

Status Live::add_stream(const Subscription& subscription, std::unique_ptr<query::LiveQuery> query,
                        net::LiveStreamPtr stream, Form form) {
  auto own = std::make_shared<SharedQuery>(std::move(query));  // it stands at a place of its own
  auto follower = std::make_shared<SubscriberStream>(*subscriptions_, subscription, std::move(own), stream, form,
                                                     services_.clock.monotonic_ns(), subscription_events_);
  return add_to(*subscribers_, std::move(follower), kSubscribersMax, stream);
}

Result<std::function<void()>> Live::add_poll(std::unique_ptr<query::LiveQuery> query, const PollRequest& request,
                                             SubscriberPoll::Answer answer) {
  auto own = std::make_shared<SharedQuery>(std::move(query));
  uint64_t until_ns = services_.clock.monotonic_ns() + request.wait_ms * 1'000'000;
  auto poll = std::make_shared<SubscriberPoll>(std::move(own), request.after, request.rows_max, until_ns,
                                               std::move(answer), subscription_events_);
  CLEW_TRY(subscribers_->add(poll, kSubscribersMax));
  return std::function<void()>([weak = std::weak_ptr(poll), bell = subscribers_->bell()] {
    if (auto there = weak.lock()) there->gone();
    bell->ring();
  });
}

}  // namespace clew::live
