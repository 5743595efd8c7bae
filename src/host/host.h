// Host: what a machine does, measured from /proc and /sys, under the names, labels and units that Prometheus'
// node_exporter gives the same things, so that its dashboards and rules hold.
#pragma once

#include <memory>
#include <string>

#include "host/samples.h"
#include "os/clock.h"

namespace clew::host {

// Where the kernel's files lie; other places in tests.
struct HostRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string udev = "/run/udev/data";
};

// Threads:  one.
// Lifetime: clock outlives it.
class Host {
 public:
  virtual ~Host() = default;
  // Measures everything once. What this machine lacks is left out; node_scrape_collector_success says so.
  // Cost: about a millisecond, and the time that file systems take to answer.
  virtual void collect(Samples& out) = 0;
};

std::unique_ptr<Host> make_host(HostRoots roots, const os::Clock& clock);

}  // namespace clew::host
