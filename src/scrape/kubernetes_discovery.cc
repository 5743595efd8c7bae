#include "scrape/kubernetes_discovery.h"

#include <atomic>
#include <cstdlib>
#include <map>

#include "net/http_message.h"
#include "os/foreign_file.h"
#include "scrape/kubernetes_targets.h"
#include "scrape/target.h"

namespace clew::scrape {
namespace {

constexpr size_t kListBytesMax = 64u << 20;  // of one page
constexpr const char* kPageItems = "500";
constexpr uint32_t kTimeoutMs = 30'000;
constexpr size_t kNameBytesMax = 253;

std::string small_file(const std::string& path) {
  Result<std::unique_ptr<os::ForeignFile>> file = os::ForeignFile::open(path);
  if (!file.ok()) return {};
  std::string text(kNameBytesMax, '\0');
  Result<size_t> bytes = (*file)->read_at(0, text.data(), text.size());
  text.resize(bytes.ok() ? *bytes : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// All lists of one look.
struct Round {
  Round(const DiscoveryConfig& of, net::HttpFetcher& by, Found to) : config(of), fetcher(by), found(std::move(to)) {}
  const DiscoveryConfig config;
  net::HttpFetcher& fetcher;
  const Found found;
  size_t waiting = 0;  // from here on the fetcher's thread alone, once it is set
  std::map<std::string, std::vector<std::string>> lists;
  std::atomic<bool> failed{false};

  void fail(const Error& error) {
    if (!failed.exchange(true)) found(error);
  }
};

std::string list_url(const DiscoveryConfig& config, const std::string& kind, const std::string& path,
                     const std::string& from) {
  std::string url = config.url + path + "?limit=" + kPageItems;
  std::string role = kind == "endpoints" ? kind : kind.substr(0, kind.size() - 1);
  if (auto selector = config.selectors.find(role); selector != config.selectors.end()) {
    const auto& [label, field] = selector->second;
    if (!label.empty()) url += "&labelSelector=" + net::percent_encoded(label);
    if (!field.empty()) url += "&fieldSelector=" + net::percent_encoded(field);
  }
  if (!from.empty()) url += "&continue=" + net::percent_encoded(from);
  return url;
}

// Asks for a list, page by page; behind the last page of the last list tells what was found.
void ask_list(const std::shared_ptr<Round>& round, const std::string& kind, const std::string& path,
              const std::string& from) {
  std::string url = list_url(round->config, kind, path, from);
  Result<net::HttpFetch> request = request_for(url, round->config.access);
  if (!request.ok()) return round->fail(request.error());
  request->timeout_ms = kTimeoutMs;
  request->body_bytes_max = kListBytesMax;
  request->headers.emplace_back("Accept", "application/json");
  round->fetcher.fetch(std::move(*request), [round, kind, path, url](Result<net::HttpFetched> got) {
    if (!got.ok()) return round->fail(got.error());
    if (got->reply.status != 200) {
      return round->fail(
          Error(Code::kUnavailable, url + ": answered with status " + std::to_string(got->reply.status)));
    }
    std::string next = kubernetes_continue(got->reply.body);
    round->lists[kind].push_back(std::move(got->reply.body));
    if (!next.empty()) return ask_list(round, kind, path, next);
    if (--round->waiting > 0 || round->failed) return;
    round->found(kubernetes_targets(round->config.role, round->lists));
  });
}

}  // namespace

KubernetesDiscovery::KubernetesDiscovery(const DiscoveryConfig& config, DiscoveryParts parts)
    : config_(config), fetcher_(parts.fetcher), found_(std::move(parts.found)) {
  std::string account = kServiceAccount;
  if (config_.url.empty()) {
    std::string host = environment("KUBERNETES_SERVICE_HOST");
    std::string port = environment("KUBERNETES_SERVICE_PORT");
    if (host.empty() || port.empty()) {
      problem_ = "this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set): write api_server";
      return;
    }
    config_.url = "https://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
    config_.access.ca_file = account + "/ca.crt";
    config_.access.authorization_type = "Bearer";
    config_.access.credentials_file = account + "/token";
  }
  while (config_.url.ends_with('/')) config_.url.pop_back();
  if (config_.own_namespace) {
    std::string own = small_file(account + "/namespace");
    if (!own.empty()) config_.namespaces.push_back(own);
  }
}

void KubernetesDiscovery::poll() {
  if (!problem_.empty()) return found_(Error(Code::kUnavailable, problem_));
  auto round = std::make_shared<Round>(config_, fetcher_, found_);
  std::vector<std::string> namespaces = config_.namespaces;
  if (namespaces.empty() || config_.role == "node") namespaces = {""};
  std::vector<std::string> kinds = kubernetes_kinds(config_.role);
  round->waiting = kinds.size() * namespaces.size();
  for (const std::string& kind : kinds) {
    for (const std::string& name_space : namespaces) ask_list(round, kind, kubernetes_path(kind, name_space), {});
  }
}

}  // namespace clew::scrape
