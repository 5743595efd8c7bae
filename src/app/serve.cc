#include "app/serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "adapters/remote_writer.h"
#include "api/access_gate.h"
#include "api/agent_ledger.h"
#include "api/listener_sink.h"
#include "api/metric_push.h"
#include "api/routes.h"
#include "api/rule_routes.h"
#include "api/scrape_routes.h"
#include "api/top_routes.h"
#include "api/work_pool.h"
#include "app/command.h"
#include "app/config.h"
#include "app/derived.h"
#include "app/listeners.h"
#include "app/notify_setup.h"
#include "app/pipelines.h"
#include "app/remote_setup.h"
#include "app/rules_setup.h"
#include "app/scraping.h"
#include "app/signals.h"
#include "app/standing_lists.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "geo/sources.h"
#include "live/live.h"
#include "logstore/log_store.h"
#include "logstore/stored_writes.h"
#include "metricstore/metric_store.h"
#include "net/grpc_server.h"
#include "net/http_server.h"
#include "net/udp_listener.h"
#include "os/clock.h"
#include "os/disk.h"
#include "query/engine.h"

namespace clew::app {
namespace {

constexpr uint32_t kQueriesWaitingMax = 64;
constexpr uint32_t kDrainMs = 5'000;         // receivers finish within this after SIGTERM
constexpr uint32_t kExitMs = 9'000;          // and the process is gone soon after this, whatever still runs
constexpr uint64_t kMemoryShareDefault = 5;  // one fifth of the machine
constexpr uint64_t kMemoryBytesMin = 64ull << 20;

void say(const std::string& line) { std::fprintf(stderr, "clew: %s\n", line.c_str()); }

Status check_addresses(const ServeOptions& options) {
  if (options.insecure) return {};
  if (options.jaeger_udp && !options.jaeger_udp->is_loopback()) {
    return Error(Code::kForbidden, options.jaeger_udp->text() +
                                       " (jaeger_udp) can be reached from other machines and datagrams carry no key: "
                                       "listen on 127.0.0.1, or pass --insecure");
  }
  if (!options.ingest_keys.empty()) return {};
  for (const net::Address* address : {&options.http, &options.otlp_grpc, &options.otlp_http}) {
    if (address->is_loopback()) continue;
    return Error(Code::kForbidden, address->text() +
                                       " can be reached from other machines: listen on 127.0.0.1, set auth.ingest_key, "
                                       "or pass --insecure");
  }
  return {};
}

uint64_t machine_memory_bytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

// How the memory budget is shared out.
struct MemoryPlan {
  uint64_t total;
  uint64_t bodies;
  uint64_t pending_writes;
  uint64_t query;
};

MemoryPlan plan_memory(const ServeOptions& options) {
  MemoryPlan plan{};
  plan.total = options.memory_bytes != 0 ? options.memory_bytes : machine_memory_bytes() / kMemoryShareDefault;
  plan.total = std::max(plan.total, kMemoryBytesMin);
  plan.bodies = std::min(options.bodies_bytes_max, std::max(plan.total / 4, options.http_limits.body_bytes_max));
  plan.pending_writes = std::min<uint64_t>(64ull << 20, plan.total / 8);
  plan.query = std::min(options.query_memory_bytes_max, plan.total / 2);
  return plan;
}

logstore::StoreOptions store_options(const ServeOptions& options, const MemoryPlan& memory) {
  logstore::StoreOptions store;
  store.pending_bytes_max = memory.pending_writes;
  store.retention.hot_days = options.hot_days;
  store.retention.total_days = options.total_days;
  return store;
}

metricstore::MetricStoreOptions metric_store_options(const ServeOptions& options, const MemoryPlan& memory) {
  metricstore::MetricStoreOptions store;
  store.dir = options.data + "/metrics";
  store.pending_bytes_max = memory.pending_writes;
  store.buffer_bytes_max = std::min(store.buffer_bytes_max, memory.total / 8);
  store.cache_bytes = std::min(store.cache_bytes, memory.total / 16);
  apply_metric_options(options.metrics, options.total_days, store);
  return store;
}

api::Settings live_settings(const ServeOptions& options, const MemoryPlan& memory) {
  api::Settings settings;
  settings.query_limits.millis = options.query_millis_max;
  settings.query_limits.memory_bytes = memory.query;
  settings.query_limits.rows = options.query_rows_default;
  settings.query_limits.groups = options.query_groups_max;
  settings.default_retention.hot_days = options.hot_days;
  settings.default_retention.total_days = options.total_days;
  settings.line_bytes_max = options.line_bytes_max;
  return settings;
}

bool same_limits(const net::HttpLimits& a, const net::HttpLimits& b) {
  return a.body_bytes_max == b.body_bytes_max && a.connections_max == b.connections_max &&
         a.header_timeout_ms == b.header_timeout_ms && a.idle_timeout_ms == b.idle_timeout_ms &&
         a.body_stall_timeout_ms == b.body_stall_timeout_ms && a.write_stall_timeout_ms == b.write_stall_timeout_ms;
}

bool same_listeners(const AgentOptions& a, const AgentOptions& b) {
  auto of = [](const AgentOptions& options) {
    std::map<std::string, SourceOptions> out = options.sources;
    std::erase_if(out, [](const auto& named) { return !is_listener(named.second); });
    return out;
  };
  auto same = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.type == y.second.type && x.second.dataset == y.second.dataset &&
           x.second.zone == y.second.zone && x.second.listener == y.second.listener;
  };
  std::map<std::string, SourceOptions> of_a = of(a);
  std::map<std::string, SourceOptions> of_b = of(b);
  return std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), same);
}

// The keys whose new values a running server cannot take.
std::vector<std::string> needing_restart(const ServeOptions& old, const ServeOptions& fresh) {
  std::vector<std::string> keys;
  auto check = [&keys](bool same, const char* key) {
    if (!same) keys.emplace_back(key);
  };
  check(old.data == fresh.data, "data");
  check(old.http.text() == fresh.http.text(), "listen");
  check(old.otlp_grpc.text() == fresh.otlp_grpc.text(), "otlp_grpc");
  check(old.otlp_http.text() == fresh.otlp_http.text(), "otlp_http");
  check(old.jaeger_udp.has_value() == fresh.jaeger_udp.has_value() &&
            (!old.jaeger_udp || old.jaeger_udp->text() == fresh.jaeger_udp->text()),
        "jaeger_udp");
  check(old.insecure == fresh.insecure, "insecure");
  check(old.tls == fresh.tls, "tls");
  check(same_listeners(old.agent, fresh.agent), "sources");
  check(same_remote_writes(old, fresh), "remote_write");
  check(old.memory_bytes == fresh.memory_bytes, "memory");
  check(old.hot_days == fresh.hot_days && old.total_days == fresh.total_days, "retention.hot and retention.total");
  check(old.threads == fresh.threads, "threads");
  check(same_limits(old.http_limits, fresh.http_limits) && old.bodies_bytes_max == fresh.bodies_bytes_max, "http");
  return keys;
}

// What a power failure took from the ledger, the store has.
Status recount(api::AgentLedger& ledger, const logstore::LogStore& store) {
  std::vector<api::AgentLedger::Commit> commits;
  for (logstore::StoredCommit& commit : store.stored_commits({}, ledger.recount_from())) {
    commits.push_back({std::move(commit.key), commit.rows});
  }
  return ledger.recount({}, commits);
}

// Everything that runs, in the order of its making; it goes in the reverse order.
class Server {
 public:
  explicit Server(const ServeOptions& options)
      : options_(options),
        memory_(plan_memory(options)),
        threads_(options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency())),
        disk_(os::make_real_disk()),
        clock_(os::make_real_clock()),
        rng_(os::make_real_rng()),
        body_budget_(memory_.bodies),
        settings_(live_settings(options_, memory_)) {}
  ~Server() { stop(); }

  Status start();
  // Takes what can change while it runs; gives what it did, a line each.
  std::vector<std::string> reload(const ServeOptions& fresh);
  // Ready goes off, receivers finish what they have, the store closes.
  void stop();
  std::string listening_json() const;

 private:
  Status open_store();
  Status set_dataset_rules(const ServeOptions& options);
  Status set_redaction(const ServeOptions& options);
  Status set_pipelines(const ServeOptions& options);
  Status set_scrapes(const ServeOptions& options);
  Status start_notify();
  Status listen();
  void tell_access() const;
  Status listen_for_sources();
  Status write_run_file();
  net::HttpServerParts http_parts(api::Router& router);

  ServeOptions options_;
  const MemoryPlan memory_;
  const uint32_t threads_;
  std::unique_ptr<os::Disk> disk_;
  std::unique_ptr<os::Clock> clock_;
  std::unique_ptr<os::Rng> rng_;
  base::Registry metrics_;
  net::MemoryBudget body_budget_;
  std::atomic<bool> ready_{false};
  std::unique_ptr<logstore::LogStore> store_;
  std::unique_ptr<adapters::RemoteWriters> remote_writers_;
  std::unique_ptr<metricstore::MetricStore> metric_store_;
  std::unique_ptr<geo::Sources> geo_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<live::Live> live_;
  std::unique_ptr<api::AgentLedger> ledger_;
  std::unique_ptr<scrape::PushGroups> push_groups_;
  std::unique_ptr<scrape::Scraper> scraper_;
  std::unique_ptr<api::SourceBook> sources_;
  std::unique_ptr<api::Ingest> ingest_;
  api::LiveSettings settings_;
  std::unique_ptr<notify::Notifier> notifier_;
  std::unique_ptr<ServerRules> rules_;
  std::unique_ptr<api::ServerParts> parts_;
  api::AccessGate gate_;
  std::shared_ptr<api::OtlpService> otlp_;
  std::unique_ptr<api::MetricPush> metric_push_;
  std::unique_ptr<api::WorkPool> pool_;
  std::unique_ptr<api::Router> router_;
  std::unique_ptr<api::Router> otlp_router_;
  std::shared_ptr<net::TlsServer> tls_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::HttpServer> otlp_http_;
  std::unique_ptr<net::GrpcServer> otlp_grpc_;
  std::unique_ptr<net::UdpListener> jaeger_udp_;
  std::unique_ptr<Derived> derived_;
  std::unique_ptr<StandingLists> lists_;
  std::vector<std::unique_ptr<collect::Listener>> listeners_;
  std::vector<std::jthread> listener_threads_;
};

Status Server::open_store() {
  store_ = CLEW_TRY(
      logstore::LogStore::open(*disk_, *clock_, *rng_, options_.data, store_options(options_, memory_), metrics_));
  const logstore::Recovered& found = store_->recovered();
  say(fmt::format("store {}: {} segments, {} parts with {} rows in the journal{}", options_.data, found.segments,
                  found.parts, found.part_rows,
                  found.segments_quarantined == 0 ? ""
                                                  : fmt::format(", {} segments DAMAGED and left out: run clew verify",
                                                                found.segments_quarantined)));
  metric_store_ = CLEW_TRY(
      metricstore::MetricStore::open(*disk_, *clock_, *rng_, metrics_, metric_store_options(options_, memory_)));
  remote_writers_ = CLEW_TRY(open_remote_writers(options_, *disk_, *clock_, *rng_, metrics_));
  adapters::RemoteWriters* remote = remote_writers_.get();
  if (remote != nullptr) metric_store_->follow([remote](auto batches) { remote->push(batches); });
  metricstore::MetricStoreStats series = metric_store_->stats();
  if (series.damaged > 0) {
    say(fmt::format("metrics {}/metrics: {} records or parts DAMAGED and left out", options_.data, series.damaged));
  }
  metrics_.gauge("clew_metric_series", "Time series known", {},
                 [this] { return static_cast<double>(metric_store_->series_count()); });
  metrics_.gauge("clew_body_bytes", "bytes of request bodies in memory", {},
                 [this] { return static_cast<double>(body_budget_.used_bytes()); });
  return {};
}

// The configuration's rules replace those that were set over HTTP before.
Status Server::set_dataset_rules(const ServeOptions& options) {
  contract::Access access;
  for (const auto& [name, own] : options.dataset_retention) {
    logstore::RetentionRule wanted = dataset_rule(options, name);
    std::vector<logstore::ClassRule> classes = class_rules(options, name);
    logstore::DatasetSettings before = store_->settings(access, name);
    if (before.retention != wanted) CLEW_TRY(store_->set_retention(access, name, wanted));
    if (before.classes != classes) CLEW_TRY(store_->set_retention_classes(access, name, std::move(classes)));
  }
  return {};
}

Status Server::set_pipelines(const ServeOptions& options) {
  pipeline::Surroundings around{
      .geo = geo_.get(), .metrics = &metrics_, .clock = clock_.get(), .zone = {}, .host = pipeline::read_host_facts()};
  std::map<std::string, pipeline::PipelinePtr> made;
  for (const auto& [dataset, name] : options.dataset_pipelines) {
    pipeline::PipelinePtr one = CLEW_TRY(make_pipeline(name, options.pipelines, around));
    made[dataset] = std::move(one);
  }
  if (made.empty())
    ingest_->set_pipelines(nullptr);
  else
    ingest_->set_pipelines(std::make_shared<api::DatasetPipelines>(std::move(made)));
  return {};
}

Status Server::set_scrapes(const ServeOptions& options) {
  std::vector<std::string> told;
  std::vector<scrape::ScrapeConfig> scrapes = CLEW_TRY(scrapes_of(options.agent.scrape, told));
  for (const std::string& line : told) say("scraping: " + line);
  if (options.agent.scrape.self) {
    scrapes.push_back(self_scrape(http_->address(), [this] { return metrics_.prometheus_text(); }));
  }
  scrapes.push_back(push_scrape(http_->address(), *push_groups_));
  scraper_->configure(std::move(scrapes));
  return {};
}

Status Server::set_redaction(const ServeOptions& options) {
  std::shared_ptr<const api::Redaction> redaction = CLEW_TRY(api::Redaction::make(options.redaction, metrics_));
  ingest_->set_redaction(std::move(redaction));
  return {};
}

net::HttpServerParts Server::http_parts(api::Router& router) {
  return {
      .clock = *clock_,
      .budget = body_budget_,
      .metrics = metrics_,
      .handler = [&router](net::ExchangePtr exchange) { router.dispatch(std::move(exchange)); },
      .refuse = [&router](const net::Request& request, const Error& error) { return router.refuse(request, error); },
      .tls = tls_};
}

// What a reader of the start's messages should know about who may do what.
void Server::tell_access() const {
  bool beyond = !options_.http.is_loopback() || !options_.otlp_grpc.is_loopback() || !options_.otlp_http.is_loopback();
  if (!beyond || options_.ingest_keys.empty() || tls_ != nullptr) return;
  say("WARNING: keys and events travel unencrypted: set tls.cert and tls.key, or keep them inside a network you trust");
}

Status Server::listen() {
  gate_.set_keys(options_.ingest_keys);
  if (!options_.tls.cert.empty()) tls_ = CLEW_TRY(net::TlsServer::open(options_.tls, *clock_, metrics_));
  http_ = CLEW_TRY(net::start_http_server(options_.http, threads_, options_.http_limits, http_parts(*router_)));
  otlp_http_ =
      CLEW_TRY(net::start_http_server(options_.otlp_http, threads_, options_.http_limits, http_parts(*otlp_router_)));
  net::GrpcServerParts grpc{.budget = body_budget_,
                            .metrics = metrics_,
                            .handler = metric_push_->grpc_handler(gate_, otlp_->grpc_handler(gate_))};
  if (tls_ != nullptr) grpc.tls = options_.tls;
  otlp_grpc_ =
      CLEW_TRY(net::start_grpc_server(options_.otlp_grpc, options_.http_limits.body_bytes_max, std::move(grpc)));
  if (options_.jaeger_udp) {
    jaeger_udp_ = CLEW_TRY(net::start_udp_listener(*options_.jaeger_udp, api::jaeger_packet_handler(*parts_, gate_)));
  }
  return listen_for_sources();
}

Status Server::listen_for_sources() {
  contract::Access access = CLEW_TRY(gate_.admit_grpc(api::Need::kIngest));
  for (const auto& [name, source] : options_.agent.sources) {
    if (!is_listener(source)) continue;  // an agent's
    auto sink = std::make_unique<api::IngestSink>(*ingest_, *store_, *sources_, name, access);
    std::unique_ptr<collect::Listener> made = CLEW_TRY(
        make_listener(name, source, std::move(sink), metric_store_.get(), *clock_, metrics_, options_.insecure));
    listeners_.push_back(std::move(made));
  }
  for (const auto& listener : listeners_) {
    listener_threads_.emplace_back([listener = listener.get()] { (void)listener->run(); });
  }
  return {};
}

Status Server::start_notify() {
  NotifyOptions wanted = options_.notify;
  if (wanted.external_url.empty()) wanted.external_url = "http://" + options_.http.text();
  std::string said;
  notifier_ = CLEW_TRY(start_notifier({*disk_, *clock_, *rng_, metrics_}, wanted, options_.data, said));
  if (!said.empty()) say(said);
  return {};
}

Status Server::start() {
  CLEW_TRY(check_addresses(options_));
  CLEW_TRY(open_store());
  CLEW_TRY(set_dataset_rules(options_));
  geo_ = std::make_unique<geo::Sources>(*disk_);
  CLEW_TRY(geo_->set(geo_source_files(options_.geo_files)));
  engine_ = query::Engine::make(*store_, *clock_, {.workers = threads_, .geo = geo_.get()});
  live_ = CLEW_TRY(live::Live::open({*disk_, *clock_, *store_, store_->feed(), metrics_, geo_.get()},
                                    options_.data + "/subscriptions"));
  if (live_->subscriptions().damaged_logs() > 0) {
    say(fmt::format("subscriptions: the log in {}/subscriptions is DAMAGED and set aside; their places are lost",
                    options_.data));
  }
  ledger_ = CLEW_TRY(api::AgentLedger::open(*disk_, *clock_, options_.data + "/ledger"));
  push_groups_ = CLEW_TRY(scrape::PushGroups::open(*disk_, *clock_, options_.data + "/push_groups.json"));
  scraper_ = std::make_unique<scrape::Scraper>(
      scrape::ScraperParts{.sink = *metric_store_, .access = {}, .clock = *clock_, .metrics = metrics_});
  CLEW_TRY(recount(*ledger_, *store_));
  sources_ = CLEW_TRY(api::SourceBook::open(*disk_, *clock_, metrics_, options_.data + "/ledger.sources"));
  ingest_ = std::make_unique<api::Ingest>(*store_, *clock_);
  CLEW_TRY(set_redaction(options_));
  CLEW_TRY(set_pipelines(options_));
  CLEW_TRY(start_notify());
  rules_ = std::make_unique<ServerRules>(
      RuleSetupParts{*disk_, *clock_, *metric_store_, metrics_, settings_, notifier_.get()});
  CLEW_TRY(rules_->start(options_.rules));
  lists_ = CLEW_TRY(StandingLists::start({*clock_, *store_, store_->feed(), metrics_}, options_));
  api::ReceiverParts receivers{.ingest = *ingest_,
                               .sources = *sources_,
                               .metrics = metrics_,
                               .body_budget = body_budget_,
                               .clock = *clock_,
                               .version = std::string(kVersion),
                               .settings = settings_,
                               .ready = ready_};
  parts_ =
      std::make_unique<api::ServerParts>(std::move(receivers), *store_, *metric_store_, *engine_, *live_, *ledger_);
  parts_->notifier = notifier_.get();
  otlp_ = api::make_otlp_service(*parts_);
  pool_ = std::make_unique<api::WorkPool>("clew-query", threads_ + 2, kQueriesWaitingMax);
  router_ = std::make_unique<api::Router>(gate_, *pool_, metrics_);
  otlp_router_ = std::make_unique<api::Router>(gate_, *pool_, metrics_);
  api::add_all_routes(*parts_, *otlp_, *router_);
  router_->add(api::rule_routes({rules_->rules(), *metric_store_, *clock_}));
  router_->add(api::remote_read_routes({*metric_store_, body_budget_, metrics_}));
  api::add_scrape_routes(*parts_, *scraper_, *push_groups_, *router_);
  router_->add(api::top_routes(*parts_, lists_->lists()));
  api::add_otlp_routes(*parts_, *otlp_, *otlp_router_);
  metric_push_ = std::make_unique<api::MetricPush>(*parts_, options_.otlp_metrics);
  metric_push_->add_routes(*router_, *otlp_router_);
  derived_ = CLEW_TRY(
      Derived::start({*disk_, *clock_, store_->feed(), *metric_store_, metrics_, metric_store_.get()}, options_));
  if (!derived_->warning().empty()) say(derived_->warning());
  CLEW_TRY(listen());
  CLEW_TRY(set_scrapes(options_));
  tell_access();
  ready_ = true;
  return write_run_file();
}

std::vector<std::string> Server::reload(const ServeOptions& fresh) {
  std::vector<std::string> lines;
  api::Settings old = settings_.now();
  api::Settings settings = live_settings(fresh, plan_memory(fresh));
  settings.query_limits.memory_bytes = std::min(fresh.query_memory_bytes_max, memory_.total / 2);
  settings.default_retention = old.default_retention;
  settings_.set(settings);
  if (old.query_limits.millis != settings.query_limits.millis ||
      old.query_limits.memory_bytes != settings.query_limits.memory_bytes ||
      old.query_limits.rows != settings.query_limits.rows || old.query_limits.groups != settings.query_limits.groups) {
    lines.push_back(fmt::format("queries: {} ms, {} bytes, {} rows, {} groups", settings.query_limits.millis,
                                settings.query_limits.memory_bytes, settings.query_limits.rows,
                                settings.query_limits.groups));
  }
  if (old.line_bytes_max != settings.line_bytes_max) {
    lines.push_back(fmt::format("lines: up to {} bytes", settings.line_bytes_max));
  }
  if (fresh.otlp_metrics != options_.otlp_metrics) lines.emplace_back("otlp.metrics: as the configuration says now");
  metric_push_->set_otlp(fresh.otlp_metrics);
  options_.otlp_metrics = fresh.otlp_metrics;
  Status redaction = set_redaction(fresh);
  if (!redaction.ok()) lines.push_back("redact: " + redaction.error().message());
  if (fresh.redaction != options_.redaction) lines.push_back("redact: as the configuration says now");
  if (fresh.ingest_keys.empty() != options_.ingest_keys.empty()) {
    lines.push_back("auth.ingest_key: whether one is needed changes at the next start");
  } else if (fresh.ingest_keys != options_.ingest_keys) {
    gate_.set_keys(fresh.ingest_keys);
    options_.ingest_keys = fresh.ingest_keys;
    lines.push_back(fmt::format("auth.ingest_key: {} of them", fresh.ingest_keys.size()));
  }
  Status pipelines = set_pipelines(fresh);
  lines.push_back("pipelines: " + (pipelines.ok() ? "as the configuration says now" : pipelines.error().message()));
  if (fresh.dataset_pipelines.empty() && options_.dataset_pipelines.empty() && pipelines.ok()) lines.pop_back();
  if (tls_ != nullptr) {
    Status certificate = tls_->reload();
    if (!certificate.ok()) lines.push_back("tls: the certificate stays: " + certificate.error().message());
  }
  if (std::string told = reload_notifier(*notifier_, *disk_, options_.notify, fresh.notify); !told.empty()) {
    lines.push_back(std::move(told));
  }
  options_.notify.config_file = fresh.notify.config_file;
  if (std::string rules = rules_->reload(fresh.rules); !rules.empty()) lines.push_back(std::move(rules));
  Status places = geo_->set(geo_source_files(fresh.geo_files));
  if (!places.ok()) lines.push_back("geoip: " + places.error().message());
  for (const auto& [name, path] : fresh.geo_files) lines.push_back(fmt::format("geoip: {} is {}", name, path));
  Status scrapes = set_scrapes(fresh);
  if (!scrapes.ok()) lines.push_back("scraping: goes on as before: " + scrapes.error().message());
  Status rules = set_dataset_rules(fresh);
  if (!rules.ok()) lines.push_back("retention of datasets: " + rules.error().message());
  for (const std::string& key : needing_restart(options_, fresh)) lines.push_back(key + ": changes at the next start");
  options_.redaction = fresh.redaction;
  options_.dataset_pipelines = fresh.dataset_pipelines;
  return lines;
}

std::string Server::listening_json() const {
  std::string udp = jaeger_udp_ ? fmt::format(",\"jaeger_udp\":\"{}\"", jaeger_udp_->address().text()) : std::string();
  std::vector<const collect::Source*> all;
  for (const auto& listener : listeners_) all.push_back(listener.get());
  if (std::string sources = app::listening_json(all); !sources.empty()) udp += ",\"sources\":" + sources;
  return fmt::format(
      "{{\"listening\":{{\"http\":\"{}\",\"otlp_grpc\":\"{}\",\"otlp_http\":\"{}\"{}}},\"tls\":{},\"pid\":{}}}\n",
      http_->address().text(), otlp_grpc_->address().text(), otlp_http_->address().text(), udp, tls_ != nullptr,
      getpid());
}

Status Server::write_run_file() {
  std::string path = options_.data + "/run.json";
  std::unique_ptr<os::File> file = CLEW_TRY(disk_->open(path + ".new", os::OpenMode::kReplace));
  CLEW_TRY(file->write_at(0, listening_json()));
  file.reset();
  return disk_->rename(path + ".new", path);
}

void Server::stop() {
  if (!ready_.exchange(false) && http_ == nullptr) return;
  jaeger_udp_.reset();
  for (const auto& listener : listeners_) listener->stop();
  listener_threads_.clear();
  listeners_.clear();
  if (live_ != nullptr) live_->stop();  // answers without an end; nothing else would end them
  {
    // All at once: they share the time that there is.
    std::jthread grpc([this] {
      if (otlp_grpc_ != nullptr) otlp_grpc_->drain(kDrainMs);
    });
    std::jthread otlp([this] {
      if (otlp_http_ != nullptr) otlp_http_->drain(kDrainMs);
    });
    if (http_ != nullptr) http_->drain(kDrainMs);
  }
  pool_.reset();  // a query at hand has lost its client by now and ends within a block
  if (rules_ != nullptr) rules_->stop();
  scraper_.reset();
  derived_.reset();
  if (lists_ != nullptr) lists_->stop();
  if (notifier_ != nullptr) notifier_->stop();
  store_->close();
  if (metric_store_ != nullptr) metric_store_->close();
  otlp_grpc_.reset();
  otlp_http_.reset();
  http_.reset();
  (void)disk_->remove(options_.data + "/run.json");
}

}  // namespace

Status serve(const ServeOptions& options, const ReadOptions& read_again) {
  Signals signals;  // before any thread begins
  Server server(options);
  CLEW_TRY(server.start());
  say(fmt::format("retention: {} days hot, {} days in all, unless a dataset has a rule of its own", options.hot_days,
                  options.total_days));
  std::fputs(server.listening_json().c_str(), stdout);
  std::fflush(stdout);
  while (true) {
    int signal = signals.wait();
    if (signal != SIGHUP) {
      say(fmt::format("stopping on signal {}", signal));
      break;
    }
    Result<ServeOptions> fresh = read_again();
    if (!fresh.ok()) {
      say("reload: the configuration has mistakes, nothing changes:\n" + fresh.error().message());
      continue;
    }
    std::vector<std::string> lines = server.reload(*fresh);
    if (lines.empty()) lines.push_back("nothing has changed");
    for (const std::string& line : lines) say("reload: " + line);
  }
  // An answer that a client does not take, a long delete: what is not done is cut as a kill would cut it.
  ExitDeadline deadline(std::chrono::milliseconds(kExitMs), [] {
    say("something did not end in time and is cut off; everything acknowledged is on disk");
  });
  server.stop();
  return {};
}

}  // namespace clew::app
