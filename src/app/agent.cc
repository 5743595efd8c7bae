#include "app/agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "app/client.h"
#include "app/signals.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "collect/file_source.h"
#include "collect/shipper.h"
#include "collect/stream_source.h"
#include "model/json_text.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/disk.h"
#include "queue/disk_queue.h"
#include "wire/index_name.h"

namespace clew::app {
namespace {

constexpr uint32_t kExitMs = 9'000;
constexpr uint32_t kShipMs = 5'000;  // for what is on its way when the agent stops
constexpr std::chrono::milliseconds kLookEvery{100};
constexpr uint64_t kBodyBytesMax = 1 << 20;

void say(const std::string& line) { std::fprintf(stderr, "clew agent: %s\n", line.c_str()); }

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

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
        clock_(os::make_real_clock()),
        rng_(os::make_real_rng()) {}

  Status start();
  // Whether standard input has ended and everything is acknowledged, or a source has failed.
  bool ended() const;
  Status stop();
  std::string ready_json() const;

 private:
  Status add_source(const std::string& name, const SourceOptions& source);
  Status start_stdin();
  void start_shipper();
  void add_gauges();
  Status listen();
  void answer(const net::ExchangePtr& exchange);
  collect::BatchOptions batch_options(const std::string& name, const SourceOptions& source) const;
  void run_source(const std::string& name, const std::function<Status()>& run);

  const AgentOptions& options_;
  const bool from_stdin_;
  std::unique_ptr<os::Disk> disk_;
  std::unique_ptr<os::Clock> clock_;
  std::unique_ptr<os::Rng> rng_;
  base::Registry metrics_;
  net::MemoryBudget budget_{kBodyBytesMax};
  std::shared_ptr<const api::Redaction> redaction_;
  std::unique_ptr<queue::DiskQueue> queue_;
  std::unique_ptr<collect::Shipper> shipper_;
  std::vector<std::unique_ptr<collect::FileSource>> files_;
  std::unique_ptr<collect::StreamSource> stream_;
  std::atomic<bool> stream_ended_{false};
  std::atomic<bool> failed_{false};
  mutable base::Mutex mutex_;
  Status failure_ CLEW_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
  std::unique_ptr<net::HttpServer> http_;
};

collect::BatchOptions Agent::batch_options(const std::string& name, const SourceOptions& source) const {
  collect::BatchOptions batch;
  batch.source = name;
  batch.dataset = source.dataset;
  if (!source.zone.empty()) batch.zone = text::Zone::find(source.zone).value_or(text::Zone());
  batch.clean = [redaction = redaction_](model::Batch& rows) { redaction->redact({&rows, 1}); };
  if (std::string host = host_name(); !host.empty()) batch.fields.emplace_back("host.name", std::move(host));
  return batch;
}

Status Agent::add_source(const std::string& name, const SourceOptions& source) {
  CLEW_TRY(check_source_dataset(source.dataset));
  collect::FileSourceOptions files;
  files.batch = batch_options(name, source);
  // Events tell where they came from in words that hold wherever the agent was started.
  for (const std::string& pattern : source.files) {
    files.patterns.push_back(pattern.starts_with('~') ? pattern : std::filesystem::absolute(pattern).string());
  }
  files.exclude = source.exclude;
  files.format = CLEW_TRY(process::format_by_name(source.format));
  files.from_end = source.from_end;
  files_.push_back(std::make_unique<collect::FileSource>(std::move(files), *queue_, *clock_, metrics_));
  return {};
}

void Agent::run_source(const std::string& name, const std::function<Status()>& run) {
  Status ended = run();
  if (ended.ok()) return;
  say(fmt::format("source {} has ended: {}", name, ended.error().message()));
  base::MutexLock lock(mutex_);
  if (failure_.ok()) failure_ = ended.error();
  failed_ = true;
}

Status Agent::start_stdin() {
  SourceOptions source;
  auto named = options_.sources.find("stdin");
  if (named != options_.sources.end()) source = named->second;
  CLEW_TRY(check_source_dataset(source.dataset));
  std::optional<process::Format> format = CLEW_TRY(process::format_by_name(source.format));
  stream_ = std::make_unique<collect::StreamSource>(batch_options("stdin", source), format, process::kLineBytesMax,
                                                    STDIN_FILENO, *queue_, *clock_, metrics_);
  threads_.emplace_back([this] {
    run_source("stdin", [this] { return stream_->run(); });
    stream_ended_ = true;
  });
  return {};
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
    exchange->answer({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                      .headers = {},
                      .body = metrics_.prometheus_text()});
  } else if (path == "/health/live" || path == "/livez") {
    exchange->answer({.headers = {}, .body = "{\"status\":\"alive\"}\n"});
  } else if (path == "/health/ready" || path == "/readyz" || path == "/healthz") {
    Status disk = queue_->health();
    exchange->answer(
        {.status = disk.ok() && !failed_ ? 200 : 503,
         .headers = {},
         .body = disk.ok() && !failed_ ? "{\"status\":\"ready\"}\n" : "{\"status\":\"not ready\",\"queue\":false}\n"});
  } else {
    exchange->answer({.status = 404, .headers = {}, .body = "{\"error\":\"here are /metrics and /health\"}\n"});
  }
}

void Agent::start_shipper() {
  collect::ShipperOptions ship;
  for (const std::string& url : options_.servers) ship.endpoints.push_back({.url = url, .headers = {}});
  if (ship.endpoints.empty()) ship.endpoints.push_back({.url = std::string(kUrlDefault), .headers = {}});
  ship.to = options_.mirror ? collect::ShipTo::kAll : collect::ShipTo::kFirst;
  ship.refused_dir = options_.dir + "/refused";
  shipper_ = std::make_unique<collect::Shipper>(
      collect::ShipParts{.queue = *queue_, .clock = *clock_, .rng = *rng_, .metrics = metrics_}, *disk_,
      std::move(ship));
  shipper_->start();
}

void Agent::add_gauges() {
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
  CLEW_TRY(disk_->make_dirs(options_.dir));
  queue_ = CLEW_TRY(queue::DiskQueue::open(*disk_, *clock_, *rng_, options_.dir + "/queue",
                                           {.disk_bytes_max = options_.queue_bytes}));
  redaction_ = CLEW_TRY(api::Redaction::make(options_.redaction, metrics_));
  for (const auto& [name, source] : options_.sources) {
    if (!source.files.empty()) CLEW_TRY(add_source(name, source));
  }
  add_gauges();
  start_shipper();
  CLEW_TRY(listen());
  for (auto& source : files_) {
    threads_.emplace_back([this, source = source.get()] { run_source("files", [source] { return source->run(); }); });
  }
  if (from_stdin_) CLEW_TRY(start_stdin());
  return {};
}

bool Agent::ended() const {
  if (failed_) return true;
  return from_stdin_ && files_.empty() && stream_ended_ && queue_->stats().waiting_entries == 0;
}

Status Agent::stop() {
  for (auto& source : files_) source->stop();
  if (stream_) stream_->stop();
  threads_.clear();
  if (shipper_) shipper_->stop(kShipMs);
  queue_->close();
  http_.reset();
  contract::QueueStats left = queue_->stats();
  if (left.waiting_rows > 0)
    say(fmt::format("{} events wait in {} for the next start", left.waiting_rows, options_.dir));
  base::MutexLock lock(mutex_);
  return failure_;
}

std::string Agent::ready_json() const {
  std::string listening = http_ ? ",\"listening\":" + json_text(http_->address().text()) : std::string();
  return fmt::format("{{\"agent\":{},\"producer\":{}{},\"pid\":{}}}\n", json_text(options_.dir),
                     json_text(queue_->producer()), listening, getpid());
}

}  // namespace

Status check_source_dataset(const std::string& dataset) {
  if (dataset == "clew") return Error(Code::kForbidden, "\"clew\" is the server's own log: name another dataset");
  return wire::check_dataset_name(dataset);
}

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
