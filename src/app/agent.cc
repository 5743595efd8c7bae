#include "app/agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "app/agent_report.h"
#include "app/agent_samples.h"
#include "app/agent_sources.h"
#include "app/client.h"
#include "app/listeners.h"
#include "app/metric_sources.h"
#include "app/pipelines.h"
#include "app/scraping.h"
#include "app/signals.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "collect/shipper.h"
#include "model/json_text.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/cpu_time.h"
#include "os/disk.h"
#include "queue/disk_queue.h"

namespace clew::app {
namespace {

constexpr uint32_t kExitMs = 9'000;
constexpr uint32_t kSamplesMs = 2'000;  // for samples
constexpr uint32_t kShipMs = 5'000;     // for what is on its way when the agent stops
constexpr std::chrono::milliseconds kLookEvery{100};
constexpr uint64_t kBodyBytesMax = 1 << 20;

void say(const std::string& line) { std::fprintf(stderr, "clew agent: %s\n", line.c_str()); }

std::string json_text(std::string_view text) {
  std::string out;
  model::append_json_string(text, out);
  return out;
}

class Agent {
 public:
  Agent(const AgentOptions& options, bool from_stdin)
      : options_(options),
        from_stdin_(from_stdin),
        disk_(os::make_real_disk()),
        geo_(*disk_),
        clock_(os::make_real_clock()),
        rng_(os::make_real_rng()),
        cpu_budget_(options.cpu_cores, *clock_, os::process_cpu_nanos) {}

  Status start();
  // Whether standard input has ended and everything is acknowledged, or a source has failed.
  bool ended() const;
  Status stop();
  std::string ready_json() const;

 private:
  Status make_sources();
  std::vector<std::string> servers() const;
  std::vector<std::pair<std::string, std::string>> auth_headers() const;
  void start_shipper();
  void add_gauges();
  Status listen();
  void answer(const net::ExchangePtr& exchange);
  net::Response health() const;
  void run_source(collect::Source& source);

  const AgentOptions& options_;
  const bool from_stdin_;
  std::unique_ptr<os::Disk> disk_;
  geo::Sources geo_;
  std::unique_ptr<os::Clock> clock_;
  std::unique_ptr<os::Rng> rng_;
  base::Registry metrics_;
  collect::CpuBudget cpu_budget_;
  net::MemoryBudget budget_{kBodyBytesMax};
  std::shared_ptr<const api::Redaction> redaction_;
  std::unique_ptr<queue::DiskQueue> queue_;
  std::unique_ptr<collect::Shipper> shipper_;
  std::unique_ptr<AgentReport> report_;
  std::unique_ptr<AgentSamples> samples_;
  std::vector<std::unique_ptr<collect::Source>> sources_;
  std::vector<MetricsPage> pages_;  // of sources_
  std::atomic<bool> stdin_ended_{false};
  std::atomic<bool> failed_{false};
  mutable base::Mutex mutex_;
  Status failure_ CLEW_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
  std::unique_ptr<net::HttpServer> http_;
};

Status Agent::make_sources() {
  samples_ = CLEW_TRY(AgentSamples::open(
      *disk_, *clock_, *rng_, metrics_, options_,
      {.urls = servers(), .mirror = options_.mirror, .headers = auth_headers(), .make_client = [this] {
         return net::make_https_client(options_.tls);
       }}));
  CLEW_TRY(geo_.set(geo_source_files(options_.geo_files)));
  SourceParts parts{.queue = *queue_,
                    .clock = *clock_,
                    .metrics = metrics_,
                    .redaction = redaction_,
                    .geo = geo_,
                    .disk = *disk_,
                    .dir = options_.dir,
                    .pipelines = options_.pipelines,
                    .pages = pages_,
                    .compression = options_.compression,
                    .budget = &cpu_budget_,
                    .samples = samples_ ? &samples_->sender() : nullptr};
  for (const auto& [name, source] : options_.sources) {
    if (name == kStdinSource && !from_stdin_) continue;
    std::unique_ptr<collect::Source> made = CLEW_TRY(make_source(name, source, parts));
    sources_.push_back(std::move(made));
  }
  std::vector<std::string> told;
  std::vector<scrape::ScrapeConfig> scrapes = CLEW_TRY(scrapes_of(options_.scrape, told));
  for (const std::string& line : told) say("scraping: " + line);
  if (!scrapes.empty() && samples_) {
    sources_.push_back(make_scrape_source(std::move(scrapes), {*clock_, metrics_, samples_->sender()}));
  }
  return {};
}

void Agent::run_source(collect::Source& source) {
  Status ended = source.run();
  if (ended.ok()) return;
  say(fmt::format("source {} has ended: {}", source.name(), ended.error().message()));
  base::MutexLock lock(mutex_);
  if (failure_.ok()) failure_ = ended.error();
  failed_ = true;
}

Status Agent::listen() {
  if (!options_.listen) return {};
  if (!options_.listen->is_loopback()) {
    return Error(Code::kForbidden, options_.listen->text() +
                                       " can be reached from other machines and there are no credentials yet: "
                                       "listen on 127.0.0.1");
  }
  net::HttpServerParts parts{.clock = *clock_,
                             .budget = budget_,
                             .metrics = metrics_,
                             .handler = [this](net::ExchangePtr exchange) { answer(exchange); },
                             .refuse =
                                 [](const net::Request&, const Error& error) {
                                   return net::Response{.status = 400, .headers = {}, .body = error.message() + "\n"};
                                 }};
  http_ = CLEW_TRY(net::start_http_server(*options_.listen, 1, {}, std::move(parts)));
  return {};
}

void Agent::answer(const net::ExchangePtr& exchange) {
  std::string_view path = exchange->request().path;
  if (path == "/metrics") {
    std::string text = metrics_.prometheus_text();
    for (const MetricsPage& page : pages_) page(text);
    exchange->answer(
        {.content_type = "text/plain; version=0.0.4; charset=utf-8", .headers = {}, .body = std::move(text)});
  } else if (path == "/health/live" || path == "/livez") {
    exchange->answer({.headers = {}, .body = "{\"status\":\"alive\"}\n"});
  } else if (path == "/health/ready" || path == "/readyz" || path == "/healthz") {
    exchange->answer(health());
  } else {
    exchange->answer({.status = 404, .headers = {}, .body = "{\"error\":\"here are /metrics and /health\"}\n"});
  }
}

// A server that is away is what the queue is for; one that says no to this agent takes somebody to mend it.
net::Response Agent::health() const {
  bool queue_is_well = queue_->health().ok() && (samples_ == nullptr || samples_->health().ok());
  bool refused = false;
  std::string servers;
  for (const collect::ShipEndpointState& server : shipper_->endpoints()) {
    refused = refused || server.refuses;
    servers += fmt::format("{}{{\"url\":{},\"answers\":{},\"refuses\":{},\"error\":{}}}", servers.empty() ? "" : ",",
                           json_text(server.url), server.answers, server.refuses, json_text(server.last_error));
  }
  bool ready = queue_is_well && !failed_ && !refused;
  std::string body = fmt::format("{{\"status\":\"{}\",\"queue\":{},\"sources\":{},\"servers\":[{}]}}\n",
                                 ready ? "ready" : "not ready", queue_is_well, !failed_, servers);
  return {.status = ready ? 200 : 503, .headers = {}, .body = std::move(body)};
}

std::vector<std::string> Agent::servers() const {
  if (!options_.servers.empty() || !options_.otlp.url.empty()) return options_.servers;
  return {std::string(kUrlDefault)};
}

std::vector<std::pair<std::string, std::string>> Agent::auth_headers() const {
  if (options_.key.empty()) return {};
  return {{"Authorization", "Bearer " + options_.key}};
}

void Agent::start_shipper() {
  collect::ShipperOptions ship;
  for (const std::string& url : servers()) ship.endpoints.push_back({.url = url, .headers = auth_headers()});
  std::vector<collect::ShipEndpoint> endpoints = ship.endpoints;
  ship.to = options_.mirror ? collect::ShipTo::kAll : collect::ShipTo::kFirst;
  ship.refused_dir = options_.dir + "/refused";
  if (const OtlpKeys& otlp = options_.otlp; !otlp.url.empty()) {
    ship.besides.push_back({.url = otlp.url, .headers = otlp.headers, .otlp = true, .gzip = otlp.gzip});
  }
  shipper_ = std::make_unique<collect::Shipper>(
      collect::ShipParts{.queue = *queue_,
                         .clock = *clock_,
                         .rng = *rng_,
                         .metrics = metrics_,
                         .make_client = [this] { return net::make_https_client(options_.tls); },
                         .say = say},
      *disk_, std::move(ship));
  shipper_->start();
  if (endpoints.empty()) return;  // nobody keeps a ledger
  std::vector<std::string> names;
  for (const auto& source : sources_) names.push_back(source->name());
  report_ = std::make_unique<AgentReport>(
      AgentReportParts{.queue = *queue_,
                       .shipper = *shipper_,
                       .metrics = metrics_,
                       .make_client = [this] { return net::make_https_client(options_.tls); },
                       .endpoints = std::move(endpoints),
                       .mirror = options_.mirror,
                       .directory = options_.dir,
                       .sources = std::move(names)});
  report_->start();
}

void Agent::add_gauges() {
  metrics_.gauge("clew_agent_cpu_cores", "What the agent used of the processors since it was asked last, in cores", {},
                 [this] { return cpu_budget_.share(); });
  auto gauge = [this](const char* name, const char* help, double (*read)(const contract::QueueStats&)) {
    metrics_.gauge(name, help, {}, [this, read] { return read(queue_->stats()); });
  };
  gauge("clew_agent_queue_bytes", "Bytes of the queue on disk",
        [](const contract::QueueStats& s) { return static_cast<double>(s.disk_bytes); });
  gauge("clew_agent_queue_events", "Events that wait for a server",
        [](const contract::QueueStats& s) { return static_cast<double>(s.waiting_rows); });
  gauge("clew_agent_queue_age_seconds", "How long the oldest event has waited",
        [](const contract::QueueStats& s) { return static_cast<double>(s.oldest_age_ns) / 1e9; });
}

Status Agent::start() {
  CLEW_TRY(net::check_tls_client(options_.tls));
  CLEW_TRY(disk_->make_dirs(options_.dir));
  queue_ = CLEW_TRY(queue::DiskQueue::open(*disk_, *clock_, *rng_, options_.dir + "/queue",
                                           {.disk_bytes_max = options_.queue_bytes}));
  redaction_ = CLEW_TRY(api::Redaction::make(options_.redaction, metrics_));
  CLEW_TRY(make_sources());
  if (!pages_.empty() && !options_.listen) {
    say("measurements of the host are given on /metrics alone: set agent.listen, or nobody sees them");
  }
  add_gauges();
  start_shipper();
  CLEW_TRY(listen());
  for (auto& source : sources_) {
    threads_.emplace_back([this, source = source.get()] {
      run_source(*source);
      if (source->name() == kStdinSource) stdin_ended_ = true;
    });
  }
  return {};
}

bool Agent::ended() const {
  if (failed_) return true;
  return from_stdin_ && sources_.size() == 1 && stdin_ended_ && queue_->stats().waiting_entries == 0;
}

Status Agent::stop() {
  for (auto& source : sources_) source->stop();
  threads_.clear();
  if (samples_) samples_->sender().drain(std::chrono::milliseconds(kSamplesMs));
  if (shipper_) shipper_->stop(kShipMs);
  if (report_) report_->stop();
  queue_->close();
  http_.reset();
  contract::QueueStats left = queue_->stats();
  if (left.waiting_rows > 0)
    say(fmt::format("{} events wait in {} for the next start", left.waiting_rows, options_.dir));
  if (samples_ != nullptr && samples_->waiting() > 0)
    say(fmt::format("{} samples wait in {} for the next start", samples_->waiting(), options_.dir));
  base::MutexLock lock(mutex_);
  return failure_;
}

std::string Agent::ready_json() const {
  std::string listening = http_ ? ",\"listening\":" + json_text(http_->address().text()) : std::string();
  std::vector<const collect::Source*> all;
  for (const auto& source : sources_) all.push_back(source.get());
  if (std::string of_sources = listening_json(all); !of_sources.empty()) listening += ",\"sources\":" + of_sources;
  return fmt::format("{{\"agent\":{},\"producer\":{}{},\"pid\":{}}}\n", json_text(options_.dir),
                     json_text(queue_->producer()), listening, getpid());
}

}  // namespace

Status run_agent(const AgentOptions& options, bool from_stdin) {
  Signals signals;  // before any thread begins
  Agent agent(options, from_stdin);
  CLEW_TRY(agent.start());
  std::fputs(agent.ready_json().c_str(), stdout);
  std::fflush(stdout);
  while (!agent.ended()) {
    int signal = signals.wait_for(kLookEvery);
    if (signal == 0) continue;
    if (signal == SIGHUP) {
      say("a new configuration takes a restart");
      continue;
    }
    break;
  }
  ExitDeadline deadline(std::chrono::milliseconds(kExitMs),
                        [] { say("something did not end in time and is cut off; what is in the queue stays there"); });
  return agent.stop();
}

}  // namespace clew::app
