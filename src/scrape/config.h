// What to scrape and how, as Prometheus' configuration file says it.
//
// Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "scrape/relabel.h"

namespace clew::scrape {

// How to reach an HTTP server.
struct HttpAccess {
  std::string user, password, password_file;                      // basic_auth
  std::string authorization_type, credentials, credentials_file;  // authorization, bearer_token
  std::vector<std::pair<std::string, std::string>> headers;       // http_headers
  std::string ca_file, cert_file, key_file, server_name;          // tls_config
  bool insecure_skip_verify = false;
  std::string proxy_url;
  bool follow_redirects = true;
  bool enable_http2 = true;
  friend bool operator==(const HttpAccess&, const HttpAccess&) = default;
};

// Targets that have their labels in common.
struct TargetGroup {
  std::string source;                    // where it stands; of a discovery unique
  std::vector<LabelSet::Pairs> targets;  // of each at least __address__
  LabelSet::Pairs labels;
  friend bool operator==(const TargetGroup&, const TargetGroup&) = default;
};

enum class DiscoveryKind : uint8_t { kStatic, kFile, kDns, kHttp, kKubernetes };

struct DiscoveryConfig {
  DiscoveryKind kind = DiscoveryKind::kStatic;
  std::vector<TargetGroup> groups;      // kStatic
  std::vector<std::string> files;       // kFile: patterns
  int64_t refresh_millis = 0;           // of all but kStatic
  std::vector<std::string> names;       // kDns
  std::string record_type = "SRV";      // kDns: SRV, A, AAAA, MX, NS
  uint16_t port = 0;                    // kDns
  std::string url;                      // kHttp; kKubernetes: api_server, empty: the cluster we are in
  std::string role;                     // kKubernetes: pod, node, endpoints, endpointslice, service
  std::vector<std::string> namespaces;  // kKubernetes; none: all
  bool own_namespace = false;           // kKubernetes
  std::map<std::string, std::pair<std::string, std::string>> selectors;  // kKubernetes: role -> label, field
  HttpAccess access;                                                     // kHttp, kKubernetes
  friend bool operator==(const DiscoveryConfig&, const DiscoveryConfig&) = default;
};

struct ScrapeConfig {
  std::string job_name;
  int64_t interval_millis = 15'000;
  int64_t timeout_millis = 10'000;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  bool scrape_native_histograms = false;   // asks for protocol buffers first
  bool scrape_classic_histograms = false;  // also of those that have native ones
  std::vector<std::string> protocols;      // of scrape_protocols, the best first; none: the usual ones
  uint64_t sample_limit = 0;               // these: 0 for none
  uint64_t target_limit = 0;
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;
  uint64_t label_value_length_limit = 0;
  uint64_t body_bytes_max = 0;
  HttpAccess access;
  std::vector<RelabelRule> relabel;
  std::vector<RelabelRule> metric_relabel;
  std::vector<DiscoveryConfig> discoveries;
  // Gives the page of a target that is this program itself, in place of a request. While it is empty from the first
  // there is nothing to scrape, and nothing is said.
  std::function<std::string()> own_page = nullptr;

  bool same_as(const ScrapeConfig& other) const;
};

struct Config {
  int64_t interval_millis = 15'000;  // `global`
  int64_t timeout_millis = 10'000;
  std::map<std::string, std::string> external_labels;
  std::vector<ScrapeConfig> scrapes;
};

struct Notice {
  uint32_t line = 0;  // from 1; 0 for the whole
  std::string message;
};

struct ReadConfig {
  Config config;
  std::vector<Notice> mistakes;         // any: the configuration is not to be used
  std::vector<Notice> told;             // what Prometheus would do and we do not
  std::vector<std::string> more_files;  // of scrape_config_files: patterns of files that hold more
};

// Threads: any. `file` names it in messages and is what relative paths start from.
ReadConfig read_config(const std::string& text, const std::string& file);
// Also of files, patterns among them, one after the other. Errors: kNotFound and the like; kInvalid with all mistakes,
// a line each. What is told goes to `told`, a line each.
Result<Config> load_config_files(const std::vector<std::string>& files, std::vector<std::string>& told);

// "15s", "1m30s", "500ms"; nothing when it is no such text.
std::optional<int64_t> parse_duration(std::string_view text);
// "10MB", "1KiB", "0".
std::optional<uint64_t> parse_bytes(std::string_view text);

}  // namespace clew::scrape
