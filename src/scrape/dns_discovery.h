// Targets out of DNS: SRV records, and addresses with a port of the configuration's.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "scrape/discovery.h"

namespace clew::scrape {

// Who is asked; nobody named: those of /etc/resolv.conf.
struct DnsResolver {
  std::string server;  // an IPv4 address
  uint16_t port = 53;
};

// Asks on a thread of its own, named clew-dns.
class DnsDiscovery final : public Discovery {
 public:
  DnsDiscovery(const DiscoveryConfig& config, DnsResolver resolver, Found found);
  ~DnsDiscovery() override;
  void poll() override;
  int64_t period_millis() const override { return config_.refresh_millis; }

 private:
  void run(const std::stop_token& stop);
  Result<TargetGroup> look_up(const std::string& name) const;

  const DiscoveryConfig config_;
  const DnsResolver resolver_;
  const Found found_;
  base::Mutex mutex_;
  base::CondVar wake_;
  bool wanted_ CLEW_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace clew::scrape
