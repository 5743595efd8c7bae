// The server: builds every part, connects them, runs until it is told to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "alert/options.h"
#include "api/redaction.h"
#include "app/agent_options.h"
#include "app/metric_options.h"
#include "app/notify_options.h"
#include "base/result.h"
#include "derive/deriver.h"
#include "net/address.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "topk/standing_list.h"
#include "wire/otlp_metrics.h"

namespace clew::app {

// A rule for some of a dataset's events; 0 days where the rule of the dataset holds.
struct ClassRetention {
  std::string field;
  std::string value;
  uint32_t hot_days = 0;
  uint32_t total_days = 0;
  uint64_t bytes_max = 0;  // 0: no limit
};

// How long a dataset is kept; 0 where the rule of all datasets holds.
struct DatasetRetention {
  uint32_t hot_days = 0;
  uint32_t total_days = 0;
  uint64_t bytes_max = 0;  // 0: no limit
  std::map<std::string, ClassRetention> classes;
};

struct ServeOptions {
  std::string data = "clew-data";
  net::Address http{"127.0.0.1", 4320};
  net::Address otlp_grpc{"127.0.0.1", 4317};
  net::Address otlp_http{"127.0.0.1", 4318};
  std::optional<net::Address> jaeger_udp;  // off where none is given
  bool insecure = false;
  std::vector<std::string> ingest_keys;  // whoever sends one may ingest from anywhere; see api/access_gate.h
  net::TlsFiles tls;                     // of all listeners but UDP; plain where no certificate is named
  uint64_t memory_bytes = 0;             // 0: a fifth of the machine
  uint32_t threads = 0;                  // 0: one per core
  uint32_t hot_days = 30;                // of datasets without a rule of their own
  uint32_t total_days = 365;
  std::map<std::string, DatasetRetention> dataset_retention;
  api::RedactionRules redaction;
  std::map<std::string, std::string> geo_files;  // MMDB files by the names that geoip() uses
  uint64_t query_millis_max = 30'000;
  uint64_t query_memory_bytes_max = 256ull << 20;
  uint64_t query_rows_default = 10'000;
  uint64_t query_groups_max = 1'000'000;
  net::HttpLimits http_limits;
  uint64_t bodies_bytes_max = net::kBodyBudgetBytes;  // of all requests together
  uint64_t line_bytes_max = 1u << 20;
  wire::OtlpMetricOptions otlp_metrics;
  std::map<std::string, yaml::Tree> pipelines;
  std::map<std::string, std::string> dataset_pipelines;  // a pipeline's name by dataset; "*": of all others
  alert::RulesOptions rules;
  MetricOptions metrics;
  AgentOptions agent;                                   // of `clew agent`; a server takes the sources that listen
  yaml::Tree remote_write;                              // adapters/remote_write_options.h
  derive::DeriveOptions derived;                        // metrics from events; without its directory
  std::map<std::string, yaml::Tree> log_rules;          // metrics.from_logs, by the metric's name
  std::map<std::string, topk::ListOptions> topk_lists;  // standing lists by name
  std::string topk_redis;                               // where they are kept too; empty: nowhere
  NotifyOptions notify;
};

// Gives the options as the configuration file and the command line say now, for a reload.
using ReadOptions = std::function<Result<ServeOptions>()>;

// Blocks until SIGTERM or SIGINT. SIGHUP reads the options again: limits of queries, rules of datasets, redaction and
// the length of lines change at once; of what else has changed it says that it takes a restart. Requires: no other
// thread runs yet, so that signals reach only this one. Errors: kForbidden for an address beyond loopback without
// `insecure`; what the store and the listeners say.
Status serve(const ServeOptions& options, const ReadOptions& read_again);

}  // namespace clew::app
