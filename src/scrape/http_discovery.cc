#include "scrape/http_discovery.h"

#include "scrape/group_file.h"
#include "scrape/target.h"

namespace clew::scrape {
namespace {

constexpr size_t kAnswerBytesMax = 64u << 20;

}  // namespace

HttpDiscovery::HttpDiscovery(const DiscoveryConfig& config, DiscoveryParts parts)
    : config_(config), fetcher_(parts.fetcher), found_(std::move(parts.found)) {}

void HttpDiscovery::poll() {
  Result<net::HttpFetch> request = request_for(config_.url, config_.access);
  if (!request.ok()) return found_(request.error());
  request->timeout_ms = static_cast<uint32_t>(std::min<int64_t>(config_.refresh_millis, 60'000));
  request->body_bytes_max = kAnswerBytesMax;
  request->headers.emplace_back("Accept", "application/json");
  request->headers.emplace_back("X-Prometheus-Refresh-Interval-Seconds", std::to_string(config_.refresh_millis / 1000));
  fetcher_.fetch(std::move(*request), [found = found_, url = config_.url](const Result<net::HttpFetched>& got) {
    if (!got.ok()) return found(got.error());
    if (got->reply.status != 200) {
      return found(Error(Code::kUnavailable, url + ": answered with status " + std::to_string(got->reply.status)));
    }
    Result<std::vector<TargetGroup>> groups = parse_groups(got->reply.body, url);
    if (!groups.ok()) return found(groups.error());
    for (TargetGroup& group : *groups) group.labels.emplace_back("__meta_url", url);
    found(std::move(*groups));
  });
}

}  // namespace clew::scrape
