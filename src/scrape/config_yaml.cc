#include "scrape/config_yaml.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "scrape/config_map.h"
#include "scrape/target.h"

namespace clew::scrape {
namespace {

using Node = YAML::Node;

constexpr std::string_view kProtocols[] = {"PrometheusProto", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0",
                                           "PrometheusText0.0.4", "PrometheusText1.0.0"};
constexpr std::string_view kRoles[] = {"pod", "node", "endpoints", "endpointslice", "service"};
constexpr int64_t kFileRefreshMillis = 300'000;
constexpr int64_t kDnsRefreshMillis = 30'000;
constexpr int64_t kHttpRefreshMillis = 60'000;
constexpr int64_t kKubernetesRefreshMillis = 30'000;

constexpr std::string_view kOtherDiscoveries[] = {
    "azure_sd_configs",       "consul_sd_configs",      "digitalocean_sd_configs", "docker_sd_configs",
    "dockerswarm_sd_configs", "ec2_sd_configs",         "ecs_sd_configs",          "rds_sd_configs",
    "msk_sd_configs",         "elasticache_sd_configs", "eureka_sd_configs",       "gce_sd_configs",
    "hetzner_sd_configs",     "ionos_sd_configs",       "kuma_sd_configs",         "lightsail_sd_configs",
    "linode_sd_configs",      "marathon_sd_configs",    "nerve_sd_configs",        "nomad_sd_configs",
    "openstack_sd_configs",   "ovhcloud_sd_configs",    "puppetdb_sd_configs",     "scaleway_sd_configs",
    "serverset_sd_configs",   "stackit_sd_configs",     "triton_sd_configs",       "uyuni_sd_configs",
    "vultr_sd_configs"};

class Reader {
 public:
  Reader(const std::string& directory, ReadConfig& out) : map_(directory, out), out_(out) {}

  void read(const Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) return map_.blame(root, "expected keys and values");
    if (root["global"]) read_global(root["global"]);
    constexpr std::string_view kOwnKey = "write it in clew's own configuration";
    map_.read(root, "the file",
              {{"global", [](const Node&) {}},
               {"scrape_configs",
                [this](const Node& node) {
                  map_.each(node, "scrape_configs", [this](const Node& item) { read_scrape(item); });
                }},
               {"scrape_config_files",
                [this](const Node& node) {
                  std::vector<std::string> files;
                  map_.texts("scrape_config_files", files)(node);
                  for (const std::string& file : files) out_files_.push_back(map_.from_directory(file));
                }}},
              {{"rule_files", "name them in rules.files of clew's own configuration"},
               {"alerting", kOwnKey},
               {"remote_write", kOwnKey},
               {"remote_read", kOwnKey},
               {"storage", kOwnKey},
               {"tracing", kOwnKey},
               {"otlp", kOwnKey},
               {"runtime", ""}});
  }
  const std::vector<std::string>& more_files() const { return out_files_; }

 private:
  void read_global(const Node& node) {
    Config& config = out_.config;
    LabelSet::Pairs external;
    map_.read(node, "global",
              {{"scrape_interval", map_.duration("scrape_interval", config.interval_millis)},
               {"scrape_timeout", map_.duration("scrape_timeout", config.timeout_millis)},
               {"scrape_protocols", [this](const Node& list) { protocols_ = read_protocols(list); }},
               {"scrape_native_histograms", map_.flag("scrape_native_histograms", native_)},
               {"always_scrape_classic_histograms", map_.flag("always_scrape_classic_histograms", classic_)},
               {"body_size_limit", map_.bytes("body_size_limit", body_bytes_max_)},
               {"sample_limit", map_.number("sample_limit", sample_limit_)},
               {"target_limit", map_.number("target_limit", target_limit_)},
               {"label_limit", map_.number("label_limit", label_limit_)},
               {"label_name_length_limit", map_.number("label_name_length_limit", name_limit_)},
               {"label_value_length_limit", map_.number("label_value_length_limit", value_limit_)},
               {"external_labels", map_.pairs("external_labels", external)}},
              {{"evaluation_interval", "rules have their own"},
               {"rule_query_offset", "rules have their own"},
               {"query_log_file", ""},
               {"scrape_failure_log_file", "failures stand in /api/v1/targets"},
               {"keep_dropped_targets", "the first hundred of a job are kept"},
               {"metric_name_validation_scheme", "names are UTF-8"},
               {"metric_name_escaping_scheme", "names are asked for as they are"},
               {"convert_classic_histograms_to_nhcb", ""}});
    for (auto& [name, value] : external) config.external_labels[name] = value;
    if (!external.empty()) map_.tell(node, "global: external_labels are for those who send on; they are not stored");
  }

  std::vector<std::string> read_protocols(const Node& node) {
    std::vector<std::string> names;
    map_.texts("scrape_protocols", names)(node);
    for (const std::string& name : names) {
      if (std::find(std::begin(kProtocols), std::end(kProtocols), name) == std::end(kProtocols)) {
        map_.blame(node, "scrape_protocols: no protocol " + quoted(name));
      }
    }
    return names;
  }

  void read_scrape(const Node& node) {
    ScrapeConfig scrape;
    scrape.interval_millis = scrape.timeout_millis = 0;
    scrape.protocols = protocols_;
    scrape.scrape_native_histograms = native_;
    scrape.scrape_classic_histograms = classic_;
    scrape.body_bytes_max = body_bytes_max_;
    scrape.sample_limit = sample_limit_;
    scrape.target_limit = target_limit_;
    scrape.label_limit = label_limit_;
    scrape.label_name_length_limit = name_limit_;
    scrape.label_value_length_limit = value_limit_;
    if (!node.IsMap() || !node["job_name"]) return map_.blame(node, "scrape_configs: an entry lacks its job_name");
    std::string where = "scrape_configs";
    ConfigMap::Keys keys = {
        {"job_name", map_.text(where, scrape.job_name)},
        {"scrape_interval", map_.duration("scrape_interval", scrape.interval_millis)},
        {"scrape_timeout", map_.duration("scrape_timeout", scrape.timeout_millis)},
        {"scrape_protocols", [&](const Node& list) { scrape.protocols = read_protocols(list); }},
        {"scrape_native_histograms", map_.flag("scrape_native_histograms", scrape.scrape_native_histograms)},
        {"always_scrape_classic_histograms",
         map_.flag("always_scrape_classic_histograms", scrape.scrape_classic_histograms)},
        {"scrape_classic_histograms", map_.flag("scrape_classic_histograms", scrape.scrape_classic_histograms)},
        {"metrics_path", map_.text("metrics_path", scrape.metrics_path)},
        {"honor_labels", map_.flag("honor_labels", scrape.honor_labels)},
        {"honor_timestamps", map_.flag("honor_timestamps", scrape.honor_timestamps)},
        {"track_timestamps_staleness", map_.flag("track_timestamps_staleness", scrape.track_timestamps_staleness)},
        {"scheme", map_.text("scheme", scrape.scheme)},
        {"params", [&](const Node& list) { read_params(list, scrape); }},
        {"enable_compression", map_.flag("enable_compression", scrape.enable_compression)},
        {"body_size_limit", map_.bytes("body_size_limit", scrape.body_bytes_max)},
        {"sample_limit", map_.number("sample_limit", scrape.sample_limit)},
        {"target_limit", map_.number("target_limit", scrape.target_limit)},
        {"label_limit", map_.number("label_limit", scrape.label_limit)},
        {"label_name_length_limit", map_.number("label_name_length_limit", scrape.label_name_length_limit)},
        {"label_value_length_limit", map_.number("label_value_length_limit", scrape.label_value_length_limit)},
        {"relabel_configs", [&](const Node& list) { read_rules(list, "relabel_configs", scrape.relabel); }},
        {"metric_relabel_configs",
         [&](const Node& list) { read_rules(list, "metric_relabel_configs", scrape.metric_relabel); }},
        {"static_configs", [&](const Node& list) { read_static(list, scrape); }},
        {"file_sd_configs", [&](const Node& list) { read_files(list, scrape); }},
        {"dns_sd_configs", [&](const Node& list) { read_dns(list, scrape); }},
        {"http_sd_configs", [&](const Node& list) { read_http(list, scrape); }},
        {"kubernetes_sd_configs", [&](const Node& list) { read_kubernetes(list, scrape); }},
    };
    add_access_keys(scrape.access, keys);
    ConfigMap::NotServed not_served = {{"fallback_scrape_protocol", "pages of any other type are read as text"},
                                       {"native_histogram_bucket_limit", ""},
                                       {"native_histogram_min_bucket_factor", ""},
                                       {"keep_dropped_targets", "the first hundred of a job are kept"},
                                       {"metric_name_validation_scheme", "names are UTF-8"},
                                       {"metric_name_escaping_scheme", "names are asked for as they are"},
                                       {"convert_classic_histograms_to_nhcb", ""},
                                       {"scrape_failure_log_file", "failures stand in /api/v1/targets"}};
    for (std::string_view name : kOtherDiscoveries) not_served.emplace_back(name, "such targets are not found");
    map_.read(node, where, keys, not_served);
    finish(node, scrape);
  }

  // What keys say together.
  void finish(const Node& node, ScrapeConfig& scrape) {
    Config& config = out_.config;
    std::string where = "job " + quoted(scrape.job_name);
    if (scrape.job_name.empty()) map_.blame(node, "scrape_configs: an empty job_name");
    for (const ScrapeConfig& other : config.scrapes) {
      if (other.job_name == scrape.job_name) map_.blame(node, where + " stands here twice");
    }
    if (scrape.interval_millis == 0) scrape.interval_millis = config.interval_millis;
    if (scrape.timeout_millis == 0) scrape.timeout_millis = std::min(config.timeout_millis, scrape.interval_millis);
    if (scrape.timeout_millis > scrape.interval_millis) {
      map_.blame(node, where + ": scrape_timeout is greater than scrape_interval");
    }
    if (scrape.scheme != "http" && scrape.scheme != "https") {
      map_.blame(node, where + ": scheme is http or https, not " + quoted(scrape.scheme));
    }
    for (const DiscoveryConfig& discovery : scrape.discoveries) {
      for (const TargetGroup& group : discovery.groups) check_targets(node, where, scrape, group);
    }
    config.scrapes.push_back(std::move(scrape));
  }

  // Targets that stand in the file: what is wrong with one is known now. Rules may be meant for others, so with rules
  // it is only told.
  void check_targets(const Node& node, const std::string& where, const ScrapeConfig& scrape, const TargetGroup& group) {
    for (const auto& labels : group.targets) {
      Result<std::optional<TargetIdentity>> target = identify(scrape, discovered_labels(labels, group.labels));
      if (target.ok()) continue;
      std::string message = where + ": a target is none: " + target.error().message();
      if (scrape.relabel.empty())
        map_.blame(node, message);
      else
        map_.tell(node, message);
    }
  }

  void read_params(const Node& node, ScrapeConfig& scrape) {
    if (!node.IsMap()) return map_.blame(node, "params: expected names and lists");
    for (const auto& pair : node) map_.texts("params", scrape.params[pair.first.Scalar()])(pair.second);
  }

  void read_rules(const Node& node, const std::string& where, std::vector<RelabelRule>& rules) {
    map_.each(node, where, [&](const Node& item) {
      RelabelOptions options;
      std::string action = "replace";
      map_.read(item, where,
                {{"source_labels", map_.texts(where, options.source_labels)},
                 {"separator", map_.text(where, options.separator)},
                 {"target_label", map_.text(where, options.target_label)},
                 {"regex", map_.text(where, options.regex)},
                 {"modulus", map_.number("modulus", options.modulus)},
                 {"replacement", map_.text(where, options.replacement)},
                 {"action", map_.text(where, action)}});
      // Null is the empty text where it says what to write or to join with.
      if (item.IsMap() && item["replacement"] && item["replacement"].IsNull()) options.replacement.clear();
      if (item.IsMap() && item["separator"] && item["separator"].IsNull()) options.separator.clear();
      std::optional<RelabelAction> known = relabel_action_of(action);
      if (!known) return map_.blame(item, where + ": no action " + quoted(action));
      options.action = *known;
      Result<RelabelRule> rule = RelabelRule::make(std::move(options));
      if (!rule.ok()) return map_.blame(item, where + ": " + rule.error().message());
      rules.push_back(std::move(*rule));
    });
  }

  void add_access_keys(HttpAccess& access, ConfigMap::Keys& keys) {
    keys.emplace_back("basic_auth", [this, &access](const Node& node) {
      std::string user_file;
      map_.read(node, "basic_auth",
                {{"username", map_.text("username", access.user)},
                 {"password", map_.text("password", access.password)},
                 {"password_file", map_.path("password_file", access.password_file)}},
                {{"username_file", "write username"}});
      if (!access.password.empty() && !access.password_file.empty()) {
        map_.blame(node, "basic_auth: at most one of password and password_file");
      }
    });
    keys.emplace_back("authorization", [this, &access](const Node& node) {
      access.authorization_type = "Bearer";
      map_.read(node, "authorization",
                {{"type", map_.text("type", access.authorization_type)},
                 {"credentials", map_.text("credentials", access.credentials)},
                 {"credentials_file", map_.path("credentials_file", access.credentials_file)}});
      if (!access.credentials.empty() && !access.credentials_file.empty()) {
        map_.blame(node, "authorization: at most one of credentials and credentials_file");
      }
    });
    keys.emplace_back("bearer_token", [this, &access](const Node& node) {
      access.authorization_type = "Bearer";
      map_.text("bearer_token", access.credentials)(node);
    });
    keys.emplace_back("bearer_token_file", [this, &access](const Node& node) {
      access.authorization_type = "Bearer";
      map_.path("bearer_token_file", access.credentials_file)(node);
    });
    keys.emplace_back("tls_config", [this, &access](const Node& node) { read_tls(node, access); });
    keys.emplace_back("proxy_url", map_.text("proxy_url", access.proxy_url));
    keys.emplace_back("follow_redirects", map_.flag("follow_redirects", access.follow_redirects));
    keys.emplace_back("enable_http2", map_.flag("enable_http2", access.enable_http2));
    keys.emplace_back("http_headers", [this, &access](const Node& node) { read_headers(node, access); });
    for (std::string_view name : {"oauth2", "no_proxy", "proxy_from_environment", "proxy_connect_header"}) {
      keys.emplace_back(name,
                        [this, name](const Node& node) { map_.tell(node, std::string(name) + " has no effect here"); });
    }
  }

  void read_tls(const Node& node, HttpAccess& access) {
    map_.read(node, "tls_config",
              {{"ca_file", map_.path("ca_file", access.ca_file)},
               {"cert_file", map_.path("cert_file", access.cert_file)},
               {"key_file", map_.path("key_file", access.key_file)},
               {"server_name", map_.text("server_name", access.server_name)},
               {"insecure_skip_verify", map_.flag("insecure_skip_verify", access.insecure_skip_verify)}},
              {{"ca", "write ca_file"},
               {"cert", "write cert_file"},
               {"key", "write key_file"},
               {"min_version", "it is TLS 1.2"},
               {"max_version", ""}});
    if (access.cert_file.empty() != access.key_file.empty()) {
      map_.blame(node, "tls_config: cert_file and key_file belong together");
    }
  }

  void read_headers(const Node& node, HttpAccess& access) {
    if (!node.IsMap()) return map_.blame(node, "http_headers: expected names and values");
    for (const auto& pair : node) {
      std::vector<std::string> values;
      map_.read(pair.second, "http_headers",
                {{"values", map_.texts("values", values)}, {"secrets", map_.texts("secrets", values)}},
                {{"files", "write values"}});
      for (const std::string& value : values) access.headers.emplace_back(pair.first.Scalar(), value);
    }
  }

  void read_static(const Node& node, ScrapeConfig& scrape) {
    DiscoveryConfig discovery;
    map_.each(node, "static_configs", [&](const Node& item) {
      std::vector<std::string> targets;
      TargetGroup group;
      group.source = std::to_string(discovery.groups.size());
      map_.read(item, "static_configs",
                {{"targets", map_.texts("targets", targets)}, {"labels", map_.pairs("labels", group.labels)}});
      for (std::string& target : targets) group.targets.push_back({{"__address__", std::move(target)}});
      discovery.groups.push_back(std::move(group));
    });
    scrape.discoveries.push_back(std::move(discovery));
  }

  void read_files(const Node& node, ScrapeConfig& scrape) {
    map_.each(node, "file_sd_configs", [&](const Node& item) {
      DiscoveryConfig discovery;
      discovery.kind = DiscoveryKind::kFile;
      discovery.refresh_millis = kFileRefreshMillis;
      map_.read(item, "file_sd_configs",
                {{"files", map_.texts("files", discovery.files)},
                 {"refresh_interval", map_.duration("refresh_interval", discovery.refresh_millis)}});
      for (std::string& file : discovery.files) {
        bool known = file.ends_with(".json") || file.ends_with(".yml") || file.ends_with(".yaml");
        if (!known) map_.blame(item, "file_sd_configs: " + quoted(file) + " is neither .json nor .yml nor .yaml");
        file = map_.from_directory(file);
      }
      if (discovery.files.empty()) map_.blame(item, "file_sd_configs lacks files");
      scrape.discoveries.push_back(std::move(discovery));
    });
  }

  void read_dns(const Node& node, ScrapeConfig& scrape) {
    map_.each(node, "dns_sd_configs", [&](const Node& item) {
      DiscoveryConfig discovery;
      discovery.kind = DiscoveryKind::kDns;
      discovery.refresh_millis = kDnsRefreshMillis;
      uint64_t port = 0;
      map_.read(item, "dns_sd_configs",
                {{"names", map_.texts("names", discovery.names)},
                 {"type", map_.text("type", discovery.record_type)},
                 {"port", map_.number("port", port)},
                 {"refresh_interval", map_.duration("refresh_interval", discovery.refresh_millis)}});
      for (char& c : discovery.record_type) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      const std::string& type = discovery.record_type;
      bool address = type == "A" || type == "AAAA";
      if (!address && type != "SRV") map_.blame(item, "dns_sd_configs: type is SRV, A or AAAA, not " + quoted(type));
      if (address && port == 0) map_.blame(item, "dns_sd_configs: a port is needed with type " + type);
      if (port > UINT16_MAX) map_.blame(item, "dns_sd_configs: no port " + std::to_string(port));
      discovery.port = static_cast<uint16_t>(port);
      if (discovery.names.empty()) map_.blame(item, "dns_sd_configs lacks names");
      scrape.discoveries.push_back(std::move(discovery));
    });
  }

  void read_http(const Node& node, ScrapeConfig& scrape) {
    map_.each(node, "http_sd_configs", [&](const Node& item) {
      DiscoveryConfig discovery;
      discovery.kind = DiscoveryKind::kHttp;
      discovery.refresh_millis = kHttpRefreshMillis;
      ConfigMap::Keys keys = {{"url", map_.text("url", discovery.url)},
                              {"refresh_interval", map_.duration("refresh_interval", discovery.refresh_millis)}};
      add_access_keys(discovery.access, keys);
      map_.read(item, "http_sd_configs", keys);
      if (!discovery.url.starts_with("http://") && !discovery.url.starts_with("https://")) {
        map_.blame(item, "http_sd_configs: url is no URL: " + quoted(discovery.url));
      }
      scrape.discoveries.push_back(std::move(discovery));
    });
  }

  void read_kubernetes(const Node& node, ScrapeConfig& scrape) {
    map_.each(node, "kubernetes_sd_configs", [&](const Node& item) {
      DiscoveryConfig discovery;
      discovery.kind = DiscoveryKind::kKubernetes;
      discovery.refresh_millis = kKubernetesRefreshMillis;
      ConfigMap::Keys keys = {
          {"api_server", map_.text("api_server", discovery.url)},
          {"role", map_.text("role", discovery.role)},
          {"namespaces",
           [&](const Node& of) {
             map_.read(of, "namespaces",
                       {{"names", map_.texts("names", discovery.namespaces)},
                        {"own_namespace", map_.flag("own_namespace", discovery.own_namespace)}});
           }},
          {"selectors",
           [&](const Node& list) {
             map_.each(list, "selectors", [&](const Node& one) {
               std::string role, label, field;
               map_.read(one, "selectors",
                         {{"role", map_.text("role", role)},
                          {"label", map_.text("label", label)},
                          {"field", map_.text("field", field)}});
               discovery.selectors[role] = {label, field};
             });
           }},
      };
      add_access_keys(discovery.access, keys);
      map_.read(item, "kubernetes_sd_configs", keys,
                {{"kubeconfig_file", "write api_server and authorization"}, {"attach_metadata", ""}});
      if (std::find(std::begin(kRoles), std::end(kRoles), discovery.role) == std::end(kRoles)) {
        map_.blame(item, "kubernetes_sd_configs: no role " + quoted(discovery.role));
      }
      scrape.discoveries.push_back(std::move(discovery));
    });
  }

  ConfigMap map_;
  ReadConfig& out_;
  std::vector<std::string> out_files_;
  std::vector<std::string> protocols_;
  bool native_ = false, classic_ = false;
  uint64_t body_bytes_max_ = 0, sample_limit_ = 0, target_limit_ = 0, label_limit_ = 0, name_limit_ = 0,
           value_limit_ = 0;
};

}  // namespace

void read_config_node(const Node& root, const std::string& directory, ReadConfig& out) {
  Reader reader(directory, out);
  reader.read(root);
  out.more_files = reader.more_files();
}

}  // namespace clew::scrape
