#include "host/host.h"

#include "host/collectors.h"

namespace clew::host {
namespace {

struct Collector {
  std::string_view name;
  Collect collect;
};

// By name, so that families come in a fixed order.
constexpr Collector kCollectors[] = {
    {"conntrack", collect_conntrack},
    {"diskstats", collect_diskstats},
    {"entropy", collect_entropy},
    {"filefd", collect_filefd},
    {"filesystem", collect_filesystem},
    {"hwmon", collect_hwmon},
    {"loadavg", collect_loadavg},
    {"meminfo", collect_meminfo},
    {"netclass", collect_netclass},
    {"netdev", collect_netdev},
    {"netstat", collect_netstat},
    {"pressure", collect_pressure},
    {"sockstat", collect_sockstat},
    {"softnet", collect_softnet},
    {"stat", collect_stat},
    {"thermal_zone", collect_thermal_zone},
    {"time", collect_time},
    {"uname", collect_uname},
    {"vmstat", collect_vmstat},
};
constexpr size_t kCollectorsCount = std::size(kCollectors);

class RealHost final : public Host {
 public:
  RealHost(HostRoots roots, const os::Clock& clock) : machine_{std::move(roots), clock, {}, {}, {}} {}

  void collect(Samples& out) override {
    std::array<double, kCollectorsCount> seconds{};
    std::array<bool, kCollectorsCount> found{};
    for (size_t i = 0; i < kCollectorsCount; ++i) {
      uint64_t begun = machine_.clock.monotonic_ns();
      found[i] = kCollectors[i].collect(machine_, out);
      seconds[i] = static_cast<double>(machine_.clock.monotonic_ns() - begun) / 1e9;
    }
    out.family("node_scrape_collector_duration_seconds", FamilyType::kGauge, "How long a collector took.");
    for (size_t i = 0; i < kCollectorsCount; ++i) out.add(seconds[i], {{"collector", kCollectors[i].name}});
    out.family("node_scrape_collector_success", FamilyType::kGauge,
               "Whether the machine has what a collector measures.");
    for (size_t i = 0; i < kCollectorsCount; ++i) out.add(found[i] ? 1 : 0, {{"collector", kCollectors[i].name}});
  }

 private:
  Machine machine_;
};

}  // namespace

std::unique_ptr<Host> make_host(HostRoots roots, const os::Clock& clock) {
  return std::make_unique<RealHost>(std::move(roots), clock);
}

}  // namespace clew::host
