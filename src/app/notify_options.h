// The keys of the configuration that speak of notification.
#pragma once

#include <cstdint>
#include <string>

namespace clew::app {

struct NotifyOptions {
  std::string config_file;   // Alertmanager's; empty: nobody is told
  std::string external_url;  // where people reach this server: the begin of links; empty: its address
  std::string heartbeat_url;
  uint64_t heartbeat_ms = 60'000;
  bool link_local = false;  // whether link-local and metadata addresses may be called
  friend bool operator==(const NotifyOptions&, const NotifyOptions&) = default;
};

}  // namespace clew::app
