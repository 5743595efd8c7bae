// The keys of a server.
#include "app/config_keys.h"

#include <fmt/format.h>

#include "app/config_values.h"
#include "geo/sources.h"
#include "logstore/log_store.h"
#include "os/disk.h"
#include "process/line_parser.h"
#include "process/redact.h"

namespace clew::app {
namespace {

constexpr uint64_t kThreadsMax = 1024;
constexpr uint64_t kQueryMillisMost = 3'600'000;
constexpr uint64_t kQueryRowsMost = 10'000'000;
constexpr uint64_t kQueryGroupsMost = 100'000'000;
constexpr uint64_t kLineBytesLeast = 1u << 10;
constexpr uint64_t kBodyBytesLeast = 1u << 20;
constexpr uint64_t kBodyBytesMost = 1ull << 30;
constexpr uint64_t kConnectionsMost = 1'000'000;

process::OwnRedaction& own_redaction(ServeOptions& options, const std::string& name) {
  for (process::OwnRedaction& rule : options.redaction.own) {
    if (rule.name == name) return rule;
  }
  options.redaction.own.push_back({name, {}, {}});
  return options.redaction.own.back();
}

// A file that geoip() reads under `name`; opened, so that a mistake is told before anybody asks.
Status set_geo_file(ServeOptions& options, std::string_view name, const std::string& path) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  Result<geo::DatabasePtr> opened = geo::Database::open(*disk, path, geo::Addresses::kAll);
  if (!opened.ok()) {
    return Error(
        opened.error().code(),
        opened.error().message() + ": name a country or city database in MMDB form, such as GeoLite2-City.mmdb");
  }
  options.geo_files[std::string(name)] = path;
  return {};
}

DatasetRetention& dataset_of(ServeOptions& options, const ConfigNames& names) {
  return options.dataset_retention[names[0]];
}

ClassRetention& class_rule(ServeOptions& options, const ConfigNames& names) {
  return dataset_of(options, names).classes[names[1]];
}

// FIELD=VALUE; the field ends at the first "=".
Status set_match(const std::string& text, ClassRetention& to) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return wrong(text, "condition: write level=debug");
  }
  to.field = text.substr(0, equals);
  to.value = text.substr(equals + 1);
  return {};
}

const ConfigEntry kEntries[] = {
    {{"data", "text", "clew-data", "The directory of the store."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       if (text.empty()) return Status(Error(Code::kInvalid, "an empty directory name"));
       o.data = text;
       return Status();
     }},
    {{"listen", "address", "127.0.0.1:4320", "Every HTTP protocol and the API."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_address(text, o.http); }},
    {{"otlp_grpc", "address", "127.0.0.1:4317", "OTLP over gRPC."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_address(text, o.otlp_grpc); }},
    {{"otlp_http", "address", "127.0.0.1:4318", "OTLP over HTTP."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_address(text, o.otlp_http); }},
    {{"jaeger_udp", "address", "off", "Jaeger's agent: spans of its clients over UDP."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       if (text == "off") return Status();
       return set_address(text, o.jaeger_udp.emplace());
     }},
    {{"insecure", "yes or no", "no", "Listen beyond loopback although nobody has to authenticate."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_yes_or_no(text, o.insecure); }},
    {{"auth.ingest_key", "list", "none",
      "Keys that whoever sends events must know one of; 16 characters or more each."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return add_key(text, o.ingest_keys); }},
    {{"auth.ingest_key_file", "file", "none", "The same from a file, a key a line."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return add_keys_of_file(text, o.ingest_keys);
     }},
    {{"tls.cert", "file", "none",
      "Certificate with its chain, PEM: HTTP and gRPC speak TLS. Read again when it changes."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.tls.cert); }},
    {{"tls.key", "file", "none", "Its private key, PEM."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.tls.key); }},
    {{"tls.client_ca", "file", "none", "Only clients with a certificate that one of these signed are served."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.tls.client_ca); }},
    {{"memory", "size", "a fifth of the machine", "Memory budget of the whole server; at least 64MiB are used."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_size(text, o.memory_bytes); }},
    {{"threads", "number", "one per core", "Threads of receivers and of queries."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_number(text, kThreadsMax, o.threads);
     }},
    {{"retention.hot", "days", "30d", "Days that events stay in the fast store."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_days(text, o.hot_days); }},
    {{"retention.total", "days", "365d", "Days until events are deleted."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_days(text, o.total_days); }},
    {{"retention.datasets.*.hot", "days", "retention.hot", "The same for one dataset."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_days(text, dataset_of(o, n).hot_days);
     }},
    {{"retention.datasets.*.total", "days", "retention.total", "The same for one dataset."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_days(text, dataset_of(o, n).total_days);
     }},
    {{"retention.datasets.*.max_bytes", "size", "no limit", "Oldest days of the dataset go when it is greater."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_size(text, dataset_of(o, n).bytes_max);
     }},
    {{"retention.datasets.*.classes.*.when", "condition", "none",
      "Events of the dataset with a rule of their own: FIELD=VALUE."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) { return set_match(text, class_rule(o, n)); }},
    {{"retention.datasets.*.classes.*.hot", "days", "that of the dataset", "The same for these events."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_days(text, class_rule(o, n).hot_days);
     }},
    {{"retention.datasets.*.classes.*.total", "days", "that of the dataset", "The same for these events."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_days(text, class_rule(o, n).total_days);
     }},
    {{"retention.datasets.*.classes.*.max_bytes", "size", "no limit", "The same for these events."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_size(text, class_rule(o, n).bytes_max);
     }},
    {{"query.timeout", "duration", "30s", "A query ends after this."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_millis(text, kQueryMillisMost, o.query_millis_max);
     }},
    {{"query.memory", "size", "256MiB", "Memory of one query."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_size(text, o.query_memory_bytes_max);
     }},
    {{"query.rows", "number", "10000", "Rows of an answer when the query names none."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_count(text, 1, kQueryRowsMost, o.query_rows_default);
     }},
    {{"query.groups", "number", "1000000", "Groups of one aggregation."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_count(text, 1, kQueryGroupsMost, o.query_groups_max);
     }},
    {{"ingest.line", "size", "1MiB", "Bytes of one line of text, at most 16MiB; longer ones are cut and flagged."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_bounded_size(text, kLineBytesLeast, process::kLineBytesMost, o.line_bytes_max);
     }},
    {{"redact.default", "on or off", "on", "Redaction of datasets that are not named below."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_on_or_off(text, o.redaction.on); }},
    {{"redact.datasets.*", "on or off", "redact.default", "The same for one dataset."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_on_or_off(text, o.redaction.datasets[n[0]]);
     }},
    {{"redact.rules.*.regex", "regex", "none", "A rule of your own: what matches is replaced, or its first group."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       process::OwnRedaction& rule = own_redaction(o, n[0]);
       rule.regex = text;
       return process::check_own_redaction(rule);
     }},
    {{"redact.rules.*.replacement", "text", "[redacted:NAME]", "What stands instead; no quotes or backslashes."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       process::OwnRedaction& rule = own_redaction(o, n[0]);
       rule.replacement = text;
       return rule.regex.empty() ? Status() : process::check_own_redaction(rule);
     }},
    {{"geoip.path", "file", "the country database that comes with clew",
      "MMDB file that geoip() reads: countries or cities."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_geo_file(o, geo::kConfiguredSource, text);
     }},
    {{"geoip.sources.*", "file", "none", "Further MMDB files, by the names that geoip(\"NAME\", ip) uses."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) { return set_geo_file(o, n[0], text); }},
    {{"http.body", "size", "64MiB", "Decoded bytes of one request, also of gRPC."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_bounded_size(text, kBodyBytesLeast, kBodyBytesMost, o.http_limits.body_bytes_max);
     }},
    {{"http.bodies", "size", "256MiB", "Bytes of all requests together; at most a quarter of memory is used."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_bounded_size(text, kBodyBytesLeast, UINT64_MAX, o.bodies_bytes_max);
     }},
    {{"http.connections", "number", "10000", "Open connections of a listener; further ones are closed."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_number(text, kConnectionsMost, o.http_limits.connections_max);
     }},
    {{"http.header_timeout", "duration", "10s", "A header that is not whole after this ends its connection."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_timeout(text, o.http_limits.header_timeout_ms);
     }},
    {{"http.idle_timeout", "duration", "75s", "A connection without a request is closed after this."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_timeout(text, o.http_limits.idle_timeout_ms);
     }},
    {{"http.stall_timeout", "duration", "30s", "A body or answer of which no byte moves ends its connection."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       Status set = set_timeout(text, o.http_limits.body_stall_timeout_ms);
       o.http_limits.write_stall_timeout_ms = o.http_limits.body_stall_timeout_ms;
       return set;
     }},
};

// The store checks the rest when it takes the rules; this is what a file can be told by itself.
void check_classes(const std::string& dataset, const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  std::vector<logstore::ClassRule> rules = class_rules(options, dataset);
  for (const logstore::ClassRule& rule : rules) {
    if (!rule.field.empty()) continue;
    mistakes.push_back(
        {0, fmt::format("retention.datasets.{}.classes.{} lacks when: write when: level=debug", dataset, rule.name)});
    return;
  }
  Status checked = logstore::check_class_rules(rules);
  if (!checked.ok())
    mistakes.push_back({0, fmt::format("retention.datasets.{}: {}", dataset, checked.error().message())});
}

void check_redaction(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  if (options.redaction.own.size() > process::kOwnRedactionsMax) {
    mistakes.push_back({0, fmt::format("redact.rules: more than {} of them", process::kOwnRedactionsMax)});
  }
  for (const process::OwnRedaction& rule : options.redaction.own) {
    if (rule.regex.empty()) {
      mistakes.push_back({0, fmt::format("redact.rules.{} lacks regex: write regex: 'EMP-[0-9]+'", rule.name)});
    }
  }
}

void check_tls(const net::TlsFiles& tls, std::vector<ConfigMistake>& mistakes) {
  if (tls.cert.empty() && !(tls.key.empty() && tls.client_ca.empty())) {
    mistakes.push_back({0, "tls lacks cert: write tls: {cert: FILE, key: FILE}"});
    return;
  }
  Status files = net::check_tls_client({.ca = tls.client_ca, .cert = tls.cert, .key = tls.key});
  if (!files.ok()) mistakes.push_back({0, "tls: " + files.error().message()});
}

}  // namespace

std::span<const ConfigEntry> server_keys() { return kEntries; }

void check_server(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  check_tls(options.tls, mistakes);
  check_redaction(options, mistakes);
  check_metrics(options, mistakes);
  if (options.hot_days > options.total_days) {
    mistakes.push_back({0, fmt::format("retention.hot is {}d, more than retention.total with {}d", options.hot_days,
                                       options.total_days)});
  }
  for (const auto& [name, rule] : options.dataset_retention) {
    uint32_t hot = rule.hot_days != 0 ? rule.hot_days : options.hot_days;
    uint32_t total = rule.total_days != 0 ? rule.total_days : options.total_days;
    if (hot > total && rule.hot_days != 0) {
      mistakes.push_back(
          {0, fmt::format("retention.datasets.{}.hot is {}d, more than its total with {}d", name, hot, total)});
    }
    check_classes(name, options, mistakes);
  }
}

}  // namespace clew::app
