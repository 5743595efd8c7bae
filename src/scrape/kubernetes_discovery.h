// Targets out of Kubernetes' API, listed again and again.
#pragma once

#include <memory>
#include <string>

#include "scrape/discovery.h"

namespace clew::scrape {

// Where a pod finds its cluster.
constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

class KubernetesDiscovery final : public Discovery {
 public:
  KubernetesDiscovery(const DiscoveryConfig& config, DiscoveryParts parts);
  void poll() override;
  int64_t period_millis() const override { return config_.refresh_millis; }

 private:
  DiscoveryConfig config_;
  net::HttpFetcher& fetcher_;
  const Found found_;
  std::string problem_;  // why the cluster is not known
};

}  // namespace clew::scrape
