// Network: devices, protocols, sockets, connection tracking.
#include <algorithm>

#include "host/collectors.h"
#include "host/text.h"

namespace clew::host {
namespace {

// Columns of /proc/net/dev: eight of what came in, eight of what went out.
constexpr std::string_view kReceived[] = {"bytes", "packets", "errs",       "drop",
                                          "fifo",  "frame",   "compressed", "multicast"};
constexpr std::string_view kSent[] = {"bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"};
constexpr size_t kDeviceColumns = 16;

struct Device {
  std::string name;
  std::array<double, kDeviceColumns> values{};
};

std::vector<Device> devices_of(std::string_view text) {
  std::vector<Device> devices;
  std::string_view line;
  while (next_line(text, line)) {
    size_t colon = line.rfind(':');  // a device's name may hold one
    if (colon == std::string_view::npos) continue;
    std::array<std::string_view, kDeviceColumns> words;
    if (words_of(line.substr(colon + 1), words) < words.size()) continue;
    Device device;
    std::string_view name = line.substr(0, colon);
    device.name = next_word(name);
    bool numbers = true;
    for (size_t i = 0; i < words.size(); ++i) {
      std::optional<double> value = number_of(words[i]);
      numbers = numbers && value;
      device.values[i] = value.value_or(0);
    }
    if (numbers && !device.name.empty()) devices.push_back(std::move(device));
  }
  return devices;
}

void add_column(const std::vector<Device>& devices, std::string_view way, std::string_view what, size_t column,
                Samples& out) {
  std::string name = "node_network_" + std::string(way) + "_" + std::string(what) + "_total";
  out.family(name, FamilyType::kCounter, "From /proc/net/dev.");
  for (const Device& device : devices) out.add(device.values[column], {{"device", device.name}});
}

// A number in a file of /sys/class/net/DEVICE.
struct Property {
  std::string_view file, name;
  FamilyType type;
  double unit;
};
constexpr FamilyType kGauge = FamilyType::kGauge;
constexpr FamilyType kCounter = FamilyType::kCounter;
constexpr Property kProperties[] = {
    {"addr_assign_type", "address_assign_type", kGauge, 1},
    {"carrier", "carrier", kGauge, 1},
    {"carrier_changes", "carrier_changes_total", kCounter, 1},
    {"carrier_down_count", "carrier_down_changes_total", kCounter, 1},
    {"carrier_up_count", "carrier_up_changes_total", kCounter, 1},
    {"dev_id", "device_id", kGauge, 1},
    {"dormant", "dormant", kGauge, 1},
    {"flags", "flags", kGauge, 1},
    {"ifindex", "iface_id", kGauge, 1},
    {"iflink", "iface_link", kGauge, 1},
    {"link_mode", "iface_link_mode", kGauge, 1},
    {"mtu", "mtu_bytes", kGauge, 1},
    {"name_assign_type", "name_assign_type", kGauge, 1},
    {"netdev_group", "net_dev_group", kGauge, 1},
    {"speed", "speed_bytes", kGauge, 1'000'000.0 / 8},
    {"tx_queue_len", "transmit_queue_length", kGauge, 1},
    {"type", "protocol_type", kGauge, 1},
};

struct NetClass {
  std::string name;
  std::array<std::optional<double>, std::size(kProperties)> numbers;
  std::string address, broadcast, duplex, alias, state;
};

std::string text_at(Machine& machine, const std::string& path) {
  std::optional<std::string_view> text = machine.files.read(path);
  return text ? std::string(trimmed(*text)) : std::string();
}

NetClass read_class(Machine& machine, const std::string& dir, const std::string& name) {
  NetClass device;
  device.name = name;
  const std::string at = dir + "/" + name + "/";
  for (size_t i = 0; i < std::size(kProperties); ++i) {
    std::string text = text_at(machine, at + std::string(kProperties[i].file));
    device.numbers[i] = text.starts_with("0x") ? hex_of(text) : number_of(text);
  }
  device.address = text_at(machine, at + "address");
  device.broadcast = text_at(machine, at + "broadcast");
  device.duplex = text_at(machine, at + "duplex");
  device.alias = text_at(machine, at + "ifalias");
  device.state = text_at(machine, at + "operstate");
  return device;
}

// What of /proc/net/{netstat,snmp,snmp6} says whether a network is well.
bool is_kept(std::string_view protocol, std::string_view name) {
  auto one_of = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (name == "InErrors" || name == "InErrs") return true;
  if (protocol == "Ip") return name == "Forwarding";
  if (protocol == "Ip6" || protocol == "IpExt") return one_of({"InOctets", "OutOctets"});
  if (protocol == "Icmp" || protocol == "Icmp6") return one_of({"InMsgs", "OutMsgs"});
  if (protocol == "Tcp") {
    return one_of({"ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab"});
  }
  if (protocol == "TcpExt") {
    return name.starts_with("Listen") || name.starts_with("Syncookies") || one_of({"TCPSynRetrans", "TCPTimeouts"});
  }
  if (protocol == "Udp" || protocol == "Udp6") {
    return one_of({"InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors"});
  }
  return false;
}

bool add_statistic(std::string_view protocol, std::string_view name, std::string_view number, Samples& out) {
  std::optional<double> value = number_of(number);
  if (!value || !is_kept(protocol, name)) return false;
  out.one("node_netstat_" + std::string(protocol) + "_" + std::string(name), FamilyType::kUntyped,
          "From /proc/net/netstat, snmp and snmp6.", *value);
  return true;
}

// Pairs of lines, of names and of values.
bool add_paired(std::string_view text, Samples& out) {
  bool any = false;
  std::string_view names, values;
  while (next_line(text, names) && next_line(text, values)) {
    std::string_view protocol = next_word(names);
    if (next_word(values) != protocol || !protocol.ends_with(':')) continue;
    protocol.remove_suffix(1);
    for (std::string_view name = next_word(names); !name.empty(); name = next_word(names)) {
      std::string_view value = next_word(values);
      if (value.empty()) break;
      any |= add_statistic(protocol, name, value, out);
    }
  }
  return any;
}

bool add_sockets(std::string_view text, std::string_view used_help, uint64_t page_bytes, Samples& out) {
  bool any = false;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view protocol = next_word(line);
    if (!protocol.ends_with(':')) continue;
    protocol.remove_suffix(1);
    for (std::string_view state = next_word(line); !state.empty(); state = next_word(line)) {
      std::optional<double> value = number_of(next_word(line));
      if (!value) break;
      std::string name = "node_sockstat_" + std::string(protocol) + "_" + std::string(state);
      out.one(name, kGauge, protocol == "sockets" ? used_help : "From /proc/net/sockstat and sockstat6.", *value);
      if (state == "mem") {
        out.one(name + "_bytes", kGauge, "Bytes of buffers of sockets.", *value * static_cast<double>(page_bytes));
      }
      any = true;
    }
  }
  return any;
}

struct TrackingName {
  std::string_view column, name, help;
};
constexpr TrackingName kTracking[] = {
    {"drop", "node_nf_conntrack_stat_drop", "Packets dropped because tracking failed."},
    {"early_drop", "node_nf_conntrack_stat_early_drop", "Entries dropped to make room."},
    {"found", "node_nf_conntrack_stat_found", "Entries that were looked for and found."},
    {"ignore", "node_nf_conntrack_stat_ignore", "Packets of connections known already."},
    {"insert", "node_nf_conntrack_stat_insert", "Entries made."},
    {"insert_failed", "node_nf_conntrack_stat_insert_failed", "Entries that could not be made."},
    {"invalid", "node_nf_conntrack_stat_invalid", "Packets that cannot be tracked."},
    {"search_restart", "node_nf_conntrack_stat_search_restart", "Lookups begun anew because the table grew."},
};

// A line of names, then one of hex numbers for each core.
void add_tracking(std::string_view text, Samples& out) {
  constexpr size_t kColumnsMax = 32;
  std::array<std::string_view, kColumnsMax> names;
  std::array<double, kColumnsMax> sums{};
  std::string_view line;
  if (!next_line(text, line)) return;
  size_t columns = words_of(line, names);
  while (next_line(text, line)) {
    std::array<std::string_view, kColumnsMax> words;
    size_t count = std::min(words_of(line, words), columns);
    for (size_t i = 0; i < count; ++i) sums[i] += hex_of(words[i]).value_or(0);
  }
  for (const TrackingName& tracking : kTracking) {
    for (size_t i = 0; i < columns; ++i) {
      if (names[i] == tracking.column) out.one(tracking.name, kGauge, tracking.help, sums[i]);
    }
  }
}

}  // namespace

bool netstat_samples(std::string_view netstat, std::string_view snmp, std::string_view snmp6, Samples& out) {
  bool any = add_paired(netstat, out);
  any |= add_paired(snmp, out);
  std::string_view line;
  while (next_line(snmp6, line)) {
    std::string_view name = next_word(line);
    size_t six = name.find('6');
    if (six == std::string_view::npos) continue;
    any |= add_statistic(name.substr(0, six + 1), name.substr(six + 1), next_word(line), out);
  }
  return any;
}

bool sockstat_samples(std::string_view text, std::string_view text6, uint64_t page_bytes, Samples& out) {
  bool any = add_sockets(text, "Sockets in use.", page_bytes, out);
  return add_sockets(text6, "Sockets in use.", page_bytes, out) || any;
}

bool softnet_samples(std::string_view text, Samples& out) {
  struct Core {
    std::string number;
    std::array<double, 3> values{};
  };
  constexpr size_t kNumberColumn = 12;  // of kernels that write it
  std::vector<Core> cores;
  std::string_view line;
  while (next_line(text, line)) {
    std::array<std::string_view, kNumberColumn + 1> words;
    size_t count = words_of(line, words);
    Core core;
    bool whole = count >= core.values.size();
    for (size_t i = 0; whole && i < core.values.size(); ++i) {
      std::optional<double> value = hex_of(words[i]);
      whole = value.has_value();
      core.values[i] = value.value_or(0);
    }
    if (!whole) continue;
    std::optional<double> number = count > kNumberColumn ? hex_of(words[kNumberColumn]) : std::nullopt;
    core.number = std::to_string(number ? static_cast<size_t>(*number) : cores.size());
    cores.push_back(std::move(core));
  }
  constexpr std::string_view kNames[][2] = {
      {"node_softnet_processed_total", "Packets that a core took in."},
      {"node_softnet_dropped_total", "Packets that a core had no room for."},
      {"node_softnet_times_squeezed_total", "How often a core ran out of its time for packets."}};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    out.family(kNames[i][0], kCounter, kNames[i][1]);
    for (const Core& core : cores) out.add(core.values[i], {{"cpu", core.number}});
  }
  return !cores.empty();
}

bool collect_netdev(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read(machine.roots.proc + "/net/dev");
  if (!text) return false;
  std::vector<Device> devices = devices_of(*text);
  for (size_t i = 0; i < std::size(kReceived); ++i) add_column(devices, "receive", kReceived[i], i, out);
  for (size_t i = 0; i < std::size(kSent); ++i) {
    add_column(devices, "transmit", kSent[i], std::size(kReceived) + i, out);
  }
  out.family("node_network_receive_nohandler_total", kCounter, "Packets of protocols that nobody handles.");
  for (const Device& device : devices) {
    const std::string path = machine.roots.sys + "/class/net/" + device.name + "/statistics/rx_nohandler";
    if (std::optional<double> value = number_of(text_at(machine, path))) out.add(*value, {{"device", device.name}});
  }
  return true;
}

bool collect_netclass(Machine& machine, Samples& out) {
  const std::string dir = machine.roots.sys + "/class/net";
  std::vector<NetClass> devices;
  for (const std::string& name : os::names_in(dir)) {
    if (!os::names_in(dir + "/" + name).empty()) devices.push_back(read_class(machine, dir, name));
  }
  if (devices.empty()) return false;
  out.family("node_network_info", kGauge, "What /sys/class/net says of a device in words; always 1.");
  for (const NetClass& d : devices) {
    out.add(1, {{"address", d.address},
                {"broadcast", d.broadcast},
                {"device", d.name},
                {"duplex", d.duplex},
                {"ifalias", d.alias},
                {"operstate", d.state}});
  }
  for (size_t i = 0; i < std::size(kProperties); ++i) {
    out.family("node_network_" + std::string(kProperties[i].name), kProperties[i].type, "From /sys/class/net.");
    for (const NetClass& d : devices) {
      if (d.numbers[i]) out.add(*d.numbers[i] * kProperties[i].unit, {{"device", d.name}});
    }
  }
  out.family("node_network_up", kGauge, "1 where the device is up.");
  for (const NetClass& d : devices) out.add(d.state == "up" ? 1 : 0, {{"device", d.name}});
  return true;
}

bool collect_netstat(Machine& machine, Samples& out) {
  const std::string dir = machine.roots.proc + "/net/";
  auto read = [&machine, &dir](const char* name) {
    std::optional<std::string_view> text = machine.files.read(dir + name);
    return text ? std::string(*text) : std::string();
  };
  std::string netstat = read("netstat");
  std::string snmp = read("snmp");
  return netstat_samples(netstat, snmp, read("snmp6"), out);
}

bool collect_sockstat(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read(machine.roots.proc + "/net/sockstat");
  std::string ipv4(text.value_or(std::string_view()));
  text = machine.files.read(machine.roots.proc + "/net/sockstat6");
  return sockstat_samples(ipv4, text.value_or(std::string_view()), os::page_bytes(), out);
}

bool collect_softnet(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read(machine.roots.proc + "/net/softnet_stat");
  return text && softnet_samples(*text, out);
}

bool collect_conntrack(Machine& machine, Samples& out) {
  const std::string dir = machine.roots.proc + "/sys/net/netfilter/nf_conntrack_";
  std::optional<double> entries = number_of(text_at(machine, dir + "count"));
  std::optional<double> most = number_of(text_at(machine, dir + "max"));
  if (!entries || !most) return false;
  out.one("node_nf_conntrack_entries", kGauge, "Connections that are tracked.", *entries);
  out.one("node_nf_conntrack_entries_limit", kGauge, "Connections that can be tracked.", *most);
  std::optional<std::string_view> text = machine.files.read(machine.roots.proc + "/net/stat/nf_conntrack");
  if (text) add_tracking(*text, out);
  return true;
}

}  // namespace clew::host
