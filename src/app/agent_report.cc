#include "app/agent_report.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <map>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "collect/source_counts.h"

namespace clew::app {
namespace {

constexpr std::chrono::seconds kEvery{5};
constexpr uint32_t kCallMs = 5'000;
constexpr uint32_t kLastCallsMs = 1'000;  // all together: an agent that stops does not wait for servers that are away

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

using Json = nlohmann::ordered_json;

Json source_of(const AgentReportParts& parts, const std::string& name, const collect::SourceCounts& counts,
               const collect::Delivery& delivery) {
  Json dropped = Json::object();
  for (const auto& [rule, events] : counts.dropped) dropped[rule] = events;
  Json source = {
      {"read", counts.read}, {"queued", counts.queued}, {"dropped", std::move(dropped)}, {"sent", delivery.sent}};
  if (delivery.done > 0) {
    source["lag_ms"] = {{"last", delivery.last_ms}, {"p50", delivery.p50_ms}, {"p99", delivery.p99_ms}};
  }
  uint64_t datagrams = parts.metrics.sum("clew_listener_datagrams_total", {{"source", name}});
  uint64_t lost = parts.metrics.sum("clew_listener_datagrams_dropped_total", {{"source", name}});
  if (datagrams + lost > 0) source["udp_dropped"] = lost;
  return source;
}

Json sources_of(const AgentReportParts& parts, const std::map<std::string, collect::SourceCounts>& counts) {
  std::map<std::string, uint64_t> refused = parts.shipper.refused_by_source();
  std::map<std::string, collect::Delivery> deliveries = parts.shipper.deliveries();
  std::map<std::string, contract::QueueShare> shares = parts.queue.shares();
  Json sources = Json::object();
  for (const auto& [name, of] : counts) {
    Json source = source_of(parts, name, of, deliveries[name]);
    source["refused"] = refused[name];
    source["waiting"] = shares[collect::counts_key(name)].waiting_rows;
    source["damaged"] = shares[collect::counts_key(name)].damaged_rows;
    sources[name] = std::move(source);
  }
  return sources;
}

}  // namespace

std::string report_body(const AgentReportParts& parts) {
  // What was queued is asked first and what waits last, so that nothing seems lost that moves on meanwhile; what was
  // refused before what is acknowledged, which includes it.
  std::map<std::string, collect::SourceCounts> counts = collect::all_kept_counts(parts.queue);
  for (const std::string& name : parts.sources) counts.try_emplace(name);
  uint64_t refused = parts.shipper.refused_events();
  Json sources = sources_of(parts, counts);
  contract::QueueStats queue = parts.queue.stats();
  Json body = {{"producer", parts.queue.producer()},
               {"host", host_name()},
               {"directory", parts.directory},
               {"version", kVersion},
               {"appended", queue.appended_rows},
               {"waiting", queue.waiting_rows},
               {"acknowledged", queue.acknowledged_rows},
               {"refused", refused},
               {"damaged", queue.damaged_rows},
               {"oldest_ms", queue.oldest_age_ns / 1'000'000},
               {"servers", parts.endpoints.size()},
               {"mirror", parts.mirror},
               {"sources", std::move(sources)}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void AgentReport::start() {
  thread_ = std::jthread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "clew-report");
}

void AgentReport::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool AgentReport::stopping() const {
  base::MutexLock lock(mutex_);
  return stopping_;
}

void AgentReport::run() {
  std::unique_ptr<net::HttpClient> client = parts_.make_client();
  while (true) {
    bool last = stopping();
    send(*client);
    if (last) return;
    base::MutexLock lock(mutex_);
    if (!stopping_) changed_.wait_for(mutex_, kEvery);
  }
}

void AgentReport::send(net::HttpClient& client) {
  std::string body = report_body(parts_);
  auto last_ms = std::max<uint32_t>(1, kLastCallsMs / static_cast<uint32_t>(parts_.endpoints.size()));
  for (const collect::ShipEndpoint& endpoint : parts_.endpoints) {
    bool last = stopping();
    net::HttpCall call{.method = "POST",
                       .url = endpoint.url + "/clew/v1/ledger",
                       .headers = endpoint.headers,
                       .body = body,
                       .timeout_ms = last ? last_ms : kCallMs,
                       .on_body = {},
                       .go_on = [this, last] { return last || !stopping(); }};
    call.headers.emplace_back("Content-Type", "application/json");
    (void)client.call(call);
  }
}

}  // namespace clew::app
