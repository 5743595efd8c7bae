#include "scrape/discovery.h"

#include "scrape/dns_discovery.h"
#include "scrape/file_discovery.h"
#include "scrape/http_discovery.h"
#include "scrape/kubernetes_discovery.h"

namespace clew::scrape {
namespace {

constexpr int64_t kNever = INT64_MAX;

class StaticDiscovery final : public Discovery {
 public:
  StaticDiscovery(std::vector<TargetGroup> groups, Found found)
      : groups_(std::move(groups)), found_(std::move(found)) {}
  void poll() override { found_(groups_); }
  int64_t period_millis() const override { return kNever; }

 private:
  const std::vector<TargetGroup> groups_;
  const Found found_;
};

}  // namespace

std::unique_ptr<Discovery> make_discovery(const DiscoveryConfig& config, DiscoveryParts parts) {
  switch (config.kind) {
    case DiscoveryKind::kStatic: return std::make_unique<StaticDiscovery>(config.groups, std::move(parts.found));
    case DiscoveryKind::kFile: return std::make_unique<FileDiscovery>(config, std::move(parts.found));
    case DiscoveryKind::kDns: return std::make_unique<DnsDiscovery>(config, DnsResolver{}, std::move(parts.found));
    case DiscoveryKind::kHttp: return std::make_unique<HttpDiscovery>(config, std::move(parts));
    case DiscoveryKind::kKubernetes: return std::make_unique<KubernetesDiscovery>(config, std::move(parts));
  }
  return nullptr;
}

}  // namespace clew::scrape
