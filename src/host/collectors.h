// The collectors of a host, inside host/: each takes what it needs from the machine and adds its families.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.h"
#include "os/kernel_files.h"

namespace clew::host {

// Highest counters seen of a core: the kernel's may go back a little, and a counter that goes back looks like a
// restart.
using CpuSeconds = std::array<double, 10>;

struct DiskProperties {
  std::string path, model, serial, revision, wwn;
};

struct Machine {
  HostRoots roots;
  const os::Clock& clock;
  os::KernelFiles files;
  std::vector<CpuSeconds> cpus;                 // by number
  std::map<std::string, DiskProperties> disks;  // by "major:minor", as udev tells
};

// False where the machine has no such thing.
using Collect = bool (*)(Machine& machine, Samples& out);

bool collect_conntrack(Machine& machine, Samples& out);
bool collect_diskstats(Machine& machine, Samples& out);
bool collect_entropy(Machine& machine, Samples& out);
bool collect_filefd(Machine& machine, Samples& out);
bool collect_filesystem(Machine& machine, Samples& out);
bool collect_hwmon(Machine& machine, Samples& out);
bool collect_loadavg(Machine& machine, Samples& out);
bool collect_meminfo(Machine& machine, Samples& out);
bool collect_netclass(Machine& machine, Samples& out);
bool collect_netdev(Machine& machine, Samples& out);
bool collect_netstat(Machine& machine, Samples& out);
bool collect_pressure(Machine& machine, Samples& out);
bool collect_sockstat(Machine& machine, Samples& out);
bool collect_softnet(Machine& machine, Samples& out);
bool collect_stat(Machine& machine, Samples& out);  // also the cores, which /proc/stat holds too
bool collect_thermal_zone(Machine& machine, Samples& out);
bool collect_time(Machine& machine, Samples& out);
bool collect_uname(Machine& machine, Samples& out);
bool collect_vmstat(Machine& machine, Samples& out);

// Parsers, for their tests. Each leaves out what it does not understand, and is false when there was nothing else.
bool stat_samples(std::string_view text, std::vector<CpuSeconds>& cpus, Samples& out);
bool loadavg_samples(std::string_view text, Samples& out);
bool meminfo_samples(std::string_view text, Samples& out);
bool vmstat_samples(std::string_view text, Samples& out);
bool netstat_samples(std::string_view netstat, std::string_view snmp, std::string_view snmp6, Samples& out);
bool sockstat_samples(std::string_view text, std::string_view text6, uint64_t page_bytes, Samples& out);
bool softnet_samples(std::string_view text, Samples& out);

struct Mount {
  std::string device, mount_point, type;
  bool read_only = false;
};
// Of /proc/mounts those that hold data: no pseudo file systems, none of containers, each once.
std::vector<Mount> data_mounts(std::string_view text);

}  // namespace clew::host
