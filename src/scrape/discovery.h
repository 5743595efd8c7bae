// Discovery: finds targets, again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_fetcher.h"
#include "os/clock.h"
#include "scrape/config.h"

namespace clew::scrape {

// All groups that there are now, or why they could not be found: those of before hold then. Called on any thread.
using Found = std::function<void(Result<std::vector<TargetGroup>>)>;

// Threads: poll() on one thread; it does not block.
class Discovery {
 public:
  virtual ~Discovery() = default;
  // Looks, and tells what it finds now or later. Called again after period_millis().
  virtual void poll() = 0;
  virtual int64_t period_millis() const = 0;
};

struct DiscoveryParts {
  net::HttpFetcher& fetcher;
  Found found;
};

std::unique_ptr<Discovery> make_discovery(const DiscoveryConfig& config, DiscoveryParts parts);

}  // namespace clew::scrape
