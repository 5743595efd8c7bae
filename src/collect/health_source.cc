#include "collect/health_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "health/answer.h"
#include "net/http_client.h"

namespace clew::collect {
namespace {

constexpr std::chrono::milliseconds kIdleWait{1000};

health::Poll ask(net::HttpClient& client, const std::string& url, uint32_t timeout_ms, const std::atomic<bool>& stop,
                 const os::Clock& clock) {
  net::HttpCall call{.url = url,
                     .headers = {{"Accept", "application/json, text/plain;q=0.9, */*;q=0.1"}},
                     .body = {},
                     .timeout_ms = timeout_ms,
                     .on_body = nullptr,
                     .kept_bytes_max = health::kBodyBytesMax,
                     .go_on = [&stop] { return !stop; }};
  health::Poll poll;
  poll.at = clock.now();
  uint64_t begun = clock.monotonic_ns();
  Result<net::HttpReply> reply = client.call(call);
  poll.nanos = clock.monotonic_ns() - begun;
  if (reply.ok()) {
    poll.status = reply->status;
    poll.body = std::move(reply->body);
  } else {
    poll.error = reply.error().message();
    std::string prefix = url + ": ";
    if (poll.error.starts_with(prefix)) poll.error.erase(0, prefix.size());
  }
  return poll;
}

}  // namespace

Status HealthSource::check_urls(const std::vector<std::string>& urls) {
  if (urls.empty()) return Error(Code::kInvalid, "no urls: write urls: [http://127.0.0.1:8080]");
  size_t endpoints = 0;
  for (const std::string& url : urls) {
    bool http = url.starts_with("http://") || url.starts_with("https://");
    if (!http || url.find("://") + 3 == url.size()) {
      return Error(Code::kInvalid, quoted(url) + " is no URL: write http://127.0.0.1:8080");
    }
    endpoints += health::endpoints_of(url).size();
  }
  if (endpoints <= kHealthEndpointsMax) return {};
  return Error(Code::kInvalid,
               "more than " + std::to_string(kHealthEndpointsMax) + " pages to ask: make it two sources");
}

HealthSource::HealthSource(HealthSourceOptions options, contract::Queue& queue, const os::Clock& clock,
                           base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      maker_(options_.batch, queue, clock, metrics),
      polls_(metrics.counter("clew_agent_health_polls_total", "Polls of services' health",
                             {{"source", options_.batch.source}})),
      events_taken_(metrics.counter("clew_agent_health_events_total",
                                    "What polls of services' health came to, as events",
                                    {{"source", options_.batch.source}})) {}

void HealthSource::stop() {
  stop_ = true;
  base::MutexLock lock(mutex_);
  changed_.notify_all();
}

Status HealthSource::run() {
  std::vector<std::jthread> threads;
  for (const std::string& url : options_.urls) {
    for (health::Endpoint& endpoint : health::endpoints_of(url)) {
      health::Target target(options_.batch.source, std::move(endpoint));
      threads.emplace_back([this, target = std::move(target)] { poll_until_stop(target); });
    }
  }
  Status ended = keep_events();
  if (!ended.ok()) stop();
  return ended;
}

void HealthSource::poll_until_stop(health::Target target) {
  std::unique_ptr<net::HttpClient> client = net::make_http_client();
  uint64_t next = clock_.monotonic_ns();
  while (wait_until(next)) {
    health::Poll poll = ask(*client, target.endpoint().url, options_.timeout_ms, stop_, clock_);
    if (stop_) return;
    polls_.add();
    if (std::optional<std::string> event = target.take(poll)) give(std::move(*event));
    // What took longer than the time between two polls skips those it had no time for.
    uint64_t now = clock_.monotonic_ns();
    next += options_.every_nanos * ((std::max(now, next) - next) / options_.every_nanos + 1);
  }
}

bool HealthSource::wait_until(uint64_t monotonic_ns) {
  base::MutexLock lock(mutex_);
  while (!stop_) {
    uint64_t now = clock_.monotonic_ns();
    if (now >= monotonic_ns) return true;
    changed_.wait_for(mutex_, std::chrono::nanoseconds(monotonic_ns - now));
  }
  return false;
}

void HealthSource::give(std::string event) {
  events_taken_.add();
  base::MutexLock lock(mutex_);
  while (!stop_ && events_.size() >= kHealthWaitingMax) changed_.wait_for(mutex_, kIdleWait);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

Status HealthSource::keep_events() {
  process::LineParser parser(process::Format::kNdjson, process::Expect::kOnly);
  uint64_t batch = 0;
  while (true) {
    std::deque<std::string> events;
    {
      base::MutexLock lock(mutex_);
      std::chrono::nanoseconds wait =
          maker_.empty() ? std::chrono::nanoseconds(kIdleWait) : std::chrono::nanoseconds(options_.batch.wait_nanos);
      if (events_.empty() && !stop_) changed_.wait_for(mutex_, wait);
      events.swap(events_);
      if (!events.empty()) changed_.notify_all();
    }
    for (const std::string& event : events) {
      if (batch != maker_.number()) maker_.attach(parser);
      batch = maker_.number();
      maker_.add_line(parser, event, {}, {});
      if (maker_.due()) CLEW_TRY(maker_.flush({}, stop_));
    }
    if (stop_ || maker_.due()) {
      Status kept = maker_.flush({}, stop_);
      if (stop_) return {};
      CLEW_TRY(std::move(kept));
    }
  }
}

}  // namespace clew::collect
