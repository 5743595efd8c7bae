#include "scrape/target.h"

#include <algorithm>
#include <map>

#include "net/http_message.h"
#include "os/foreign_file.h"

namespace clew::scrape {
namespace {

constexpr uint64_t kSecretBytesMax = 64 << 10;

std::string duration_text(int64_t millis) {
  return millis % 1000 == 0 ? std::to_string(millis / 1000) + "s" : std::to_string(millis) + "ms";
}

LabelSet with_defaults(const ScrapeConfig& config, const LabelSet::Pairs& discovered) {
  LabelSet labels(discovered);
  labels.set_if_absent("job", config.job_name);
  labels.set_if_absent("__scrape_interval__", duration_text(config.interval_millis));
  labels.set_if_absent("__scrape_timeout__", duration_text(config.timeout_millis));
  labels.set_if_absent("__metrics_path__", config.metrics_path);
  labels.set_if_absent("__scheme__", config.scheme);
  for (const auto& [name, values] : config.params) {
    if (!values.empty()) labels.set_if_absent("__param_" + name, values.front());
  }
  return labels;
}

std::string url_of(const ScrapeConfig& config, const LabelSet& labels) {
  std::map<std::string, std::vector<std::string>> params = config.params;
  constexpr std::string_view kParam = "__param_";
  for (const auto& [name, value] : labels.pairs()) {
    if (!std::string_view(name).starts_with(kParam)) continue;
    std::vector<std::string>& values = params[name.substr(kParam.size())];
    if (values.empty()) values.emplace_back();
    values.front() = value;
  }
  std::string url = std::string(labels.get("__scheme__")) + "://" + std::string(labels.get("__address__"));
  std::string_view path = labels.get("__metrics_path__");
  if (!path.starts_with('/')) url += '/';
  url += path;
  char mark = path.find('?') == std::string_view::npos ? '?' : '&';
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) {
      url += mark + net::percent_encoded(name) + "=" + net::percent_encoded(value);
      mark = '&';
    }
  }
  return url;
}

Result<int64_t> duration_label(const LabelSet& labels, const char* name) {
  std::optional<int64_t> millis = parse_duration(labels.get(name));
  if (millis && *millis > 0) return *millis;
  return Error(Code::kInvalid, std::string(name) + " is no duration: " + quoted(labels.get(name)));
}

Result<std::string> secret_of(const std::string& text, const std::string& path) {
  if (path.empty()) return text;
  std::unique_ptr<os::ForeignFile> file = CLEW_TRY(os::ForeignFile::open(path));
  std::string secret(kSecretBytesMax, '\0');
  size_t bytes = CLEW_TRY(file->read_at(0, secret.data(), secret.size()));
  secret.resize(bytes);
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r' || secret.back() == ' ')) secret.pop_back();
  return secret;
}

}  // namespace

LabelSet::Pairs discovered_labels(const LabelSet::Pairs& target, const LabelSet::Pairs& group) {
  LabelSet labels(target);
  for (const auto& [name, value] : group) labels.set_if_absent(name, value);
  return labels.pairs();
}

Result<std::optional<TargetIdentity>> identify(const ScrapeConfig& config, const LabelSet::Pairs& discovered) {
  LabelSet labels = with_defaults(config, discovered);
  TargetIdentity target;
  target.discovered = labels.pairs();
  if (!relabel(config.relabel, labels)) return std::optional<TargetIdentity>();
  std::string address(labels.get("__address__"));
  if (address.empty()) return Error(Code::kInvalid, "no address");
  if (address.find('/') != std::string::npos) {
    return Error(Code::kInvalid, quoted(address) + " is no address: write HOST:PORT");
  }
  std::string scheme(labels.get("__scheme__"));
  if (scheme != "http" && scheme != "https")
    return Error(Code::kInvalid, "scheme is http or https, not " + quoted(scheme));
  target.interval_millis = CLEW_TRY(duration_label(labels, "__scrape_interval__"));
  target.timeout_millis = CLEW_TRY(duration_label(labels, "__scrape_timeout__"));
  if (target.timeout_millis > target.interval_millis) {
    return Error(Code::kInvalid, "__scrape_timeout__ is greater than __scrape_interval__");
  }
  target.url = url_of(config, labels);
  labels.set_if_absent("instance", address);
  labels.remove_if([](const std::string& name) { return name.starts_with("__"); });
  target.labels = labels.build();
  return std::optional<TargetIdentity>(std::move(target));
}

Result<net::HttpFetch> request_for(const std::string& url, const HttpAccess& access) {
  net::HttpFetch fetch;
  fetch.url = url;
  fetch.headers = access.headers;
  fetch.headers.emplace_back("User-Agent", "clew");
  fetch.follow_redirects = access.follow_redirects;
  fetch.http2 = access.enable_http2;
  fetch.proxy_url = access.proxy_url;
  fetch.tls = {.ca = access.ca_file, .cert = access.cert_file, .key = access.key_file};
  fetch.tls_insecure = access.insecure_skip_verify;
  fetch.server_name = access.server_name;
  fetch.user = access.user;
  fetch.password = CLEW_TRY(secret_of(access.password, access.password_file));
  if (!access.authorization_type.empty()) {
    std::string credentials = CLEW_TRY(secret_of(access.credentials, access.credentials_file));
    fetch.headers.emplace_back("Authorization", access.authorization_type + " " + credentials);
  }
  return fetch;
}

std::string accept_header(const ScrapeConfig& config) {
  static const std::map<std::string, std::string, std::less<>> kTypes = {
      {"PrometheusProto", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"},
      {"OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1"},
      {"OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"},
      {"PrometheusText0.0.4", "text/plain;version=0.0.4"},
      {"PrometheusText1.0.0", "text/plain;version=1.0.0;escaping=allow-utf-8"}};
  std::vector<std::string> protocols = config.protocols;
  if (protocols.empty()) {
    if (config.scrape_native_histograms) protocols.emplace_back("PrometheusProto");
    for (const char* name :
         {"OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"}) {
      protocols.emplace_back(name);
    }
  }
  std::string out;
  size_t quality = 9;
  for (const std::string& name : protocols) {
    auto found = kTypes.find(name);
    if (found == kTypes.end()) continue;
    out += found->second + ";q=0." + std::to_string(quality) + ",";
    quality = std::max<size_t>(quality - 1, 2);
  }
  return out + "*/*;q=0.1";
}

}  // namespace clew::scrape
