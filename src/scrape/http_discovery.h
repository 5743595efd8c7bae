// Targets out of a list that an HTTP service gives.
#pragma once

#include <memory>

#include "scrape/discovery.h"

namespace clew::scrape {

class HttpDiscovery final : public Discovery {
 public:
  HttpDiscovery(const DiscoveryConfig& config, DiscoveryParts parts);
  void poll() override;
  int64_t period_millis() const override { return config_.refresh_millis; }

 private:
  const DiscoveryConfig config_;
  net::HttpFetcher& fetcher_;
  const Found found_;
};

}  // namespace clew::scrape
