#include "app/agent_report.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
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

}  // namespace

std::string report_body(const AgentReportParts& parts) {
  using Json = nlohmann::ordered_json;
  Json sources = Json::object();
  auto add = [&sources](const std::string& name, const collect::SourceCounts& counts) {
    Json dropped = Json::object();
    for (const auto& [rule, events] : counts.dropped) dropped[rule] = events;
    sources[name] = {{"read", counts.read}, {"queued", counts.queued}, {"dropped", std::move(dropped)}};
  };
  for (const std::string& name : parts.sources) add(name, {});
  for (const auto& [name, counts] : collect::all_kept_counts(parts.queue)) add(name, counts);
  uint64_t refused = parts.refused_events();  // before what is acknowledged, which includes it
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
