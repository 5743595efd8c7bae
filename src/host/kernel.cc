// CPU, load, memory, processes, pressure, file descriptors, entropy, time: what one file each tells.
#include <algorithm>
#include <cmath>

#include "host/collectors.h"
#include "host/text.h"

namespace clew::host {
namespace {

constexpr double kTicksPerSecond = 100;  // USER_HZ, the same on all that clew runs on
constexpr double kRestartedSeconds = 3;  // idle time that goes back further: the core was taken out and in again
constexpr size_t kCpusMax = 8192;
constexpr double kMicro = 1e-6;

enum Mode : size_t { kUser, kNice, kSystem, kIdle, kIowait, kIrq, kSoftirq, kSteal, kGuest, kGuestNice };
struct ModeName {
  std::string_view name;
  Mode mode;
};
constexpr ModeName kModes[] = {{"idle", kIdle},       {"iowait", kIowait}, {"irq", kIrq},       {"nice", kNice},
                               {"softirq", kSoftirq}, {"steal", kSteal},   {"system", kSystem}, {"user", kUser}};

void keep_highest(CpuSeconds& known, const CpuSeconds& now) {
  if (now[kIdle] + kRestartedSeconds < known[kIdle]) known = {};
  for (size_t i = 0; i < known.size(); ++i) known[i] = std::max(known[i], now[i]);
}

// "cpu17" gives 17; the line of all cores none.
std::optional<size_t> cpu_number(std::string_view word) {
  word.remove_prefix(3);
  std::optional<double> number = number_of(word);
  if (!number || *number < 0 || *number >= kCpusMax) return std::nullopt;
  return static_cast<size_t>(*number);
}

void read_cpu(std::string_view name, std::string_view line, std::vector<CpuSeconds>& cpus, std::vector<bool>& present) {
  std::optional<size_t> cpu = cpu_number(name);
  if (!cpu) return;
  std::array<std::string_view, 10> words;
  size_t count = words_of(line, words);
  CpuSeconds now{};
  for (size_t i = 0; i < count; ++i) {
    std::optional<double> ticks = number_of(words[i]);
    if (!ticks) return;
    now[i] = *ticks / kTicksPerSecond;
  }
  if (count <= kIdle) return;
  if (*cpu >= cpus.size()) cpus.resize(*cpu + 1);
  if (*cpu >= present.size()) present.resize(*cpu + 1);
  keep_highest(cpus[*cpu], now);
  present[*cpu] = true;
}

void add_cpus(const std::vector<CpuSeconds>& cpus, const std::vector<bool>& present, Samples& out) {
  out.family("node_cpu_guest_seconds_total", FamilyType::kCounter, "Time that a core gave to guests.");
  for (size_t cpu = 0; cpu < present.size(); ++cpu) {
    if (!present[cpu]) continue;
    std::string number = std::to_string(cpu);
    out.add(cpus[cpu][kGuestNice], {{"cpu", number}, {"mode", "nice"}});
    out.add(cpus[cpu][kGuest], {{"cpu", number}, {"mode", "user"}});
  }
  out.family("node_cpu_seconds_total", FamilyType::kCounter, "Time that a core spent in each mode.");
  for (size_t cpu = 0; cpu < present.size(); ++cpu) {
    if (!present[cpu]) continue;
    std::string number = std::to_string(cpu);
    for (const ModeName& mode : kModes) out.add(cpus[cpu][mode.mode], {{"cpu", number}, {"mode", mode.name}});
  }
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234": the seconds of that line.
std::optional<double> pressure_seconds(std::string_view text, std::string_view kind) {
  std::string_view line;
  while (next_line(text, line)) {
    if (next_word(line) != kind) continue;
    size_t total = line.find("total=");
    if (total == std::string_view::npos) return std::nullopt;
    std::optional<double> micros = number_of(trimmed(line.substr(total + 6)));
    if (!micros) return std::nullopt;
    return *micros * kMicro;
  }
  return std::nullopt;
}

bool add_pressure(Machine& machine, const char* file, std::string_view kind, std::string_view name,
                  std::string_view help, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/pressure/" + file);
  std::optional<double> seconds = text ? pressure_seconds(*text, kind) : std::nullopt;
  if (seconds) out.one(name, FamilyType::kCounter, help, *seconds);
  return seconds.has_value();
}

bool add_number(Machine& machine, const std::string& path, std::string_view name, std::string_view help, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(path);
  std::optional<double> value = text ? number_of(trimmed(*text)) : std::nullopt;
  if (value) out.one(name, FamilyType::kGauge, help, *value);
  return value.has_value();
}

}  // namespace

bool stat_samples(std::string_view text, std::vector<CpuSeconds>& cpus, Samples& out) {
  struct Known {
    std::string_view word, name;
    FamilyType type;
    std::string_view help;
  };
  constexpr Known kKnown[] = {
      {"btime", "node_boot_time_seconds", FamilyType::kGauge, "When the machine was started, in Unix time."},
      {"ctxt", "node_context_switches_total", FamilyType::kCounter, "Context switches."},
      {"processes", "node_forks_total", FamilyType::kCounter, "Processes and threads that were made."},
      {"intr", "node_intr_total", FamilyType::kCounter, "Interrupts served."},
      {"procs_blocked", "node_procs_blocked", FamilyType::kGauge, "Processes that wait for input or output."},
      {"procs_running", "node_procs_running", FamilyType::kGauge, "Processes that could run."},
  };
  bool any = false;
  std::vector<bool> present;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view word = next_word(line);
    if (word.starts_with("cpu")) {
      read_cpu(word, line, cpus, present);
      continue;
    }
    for (const Known& known : kKnown) {
      if (known.word != word) continue;
      std::optional<double> value = number_of(next_word(line));
      if (value) out.one(known.name, known.type, known.help, *value);
      any = any || value;
    }
  }
  add_cpus(cpus, present, out);
  return any || !present.empty();
}

bool loadavg_samples(std::string_view text, Samples& out) {
  constexpr std::string_view kNames[][2] = {{"node_load1", "Load, averaged over a minute."},
                                            {"node_load5", "Load, averaged over 5 minutes."},
                                            {"node_load15", "Load, averaged over 15 minutes."}};
  std::array<std::string_view, 3> words;
  if (words_of(text.substr(0, text.find('\n')), words) < words.size()) return false;
  for (size_t i = 0; i < words.size(); ++i) {
    std::optional<double> load = number_of(words[i]);
    if (!load) return false;
    out.one(kNames[i][0], FamilyType::kGauge, kNames[i][1], *load);
  }
  return true;
}

bool meminfo_samples(std::string_view text, Samples& out) {
  bool any = false;
  std::string_view line;
  std::string name;
  while (next_line(text, line)) {
    std::string_view key = next_word(line);
    std::optional<double> value = number_of(next_word(line));
    if (!key.ends_with(':') || !value) continue;
    key.remove_suffix(1);
    name = "node_memory_";
    for (char c : key) {  // Active(anon) is Active_anon
      if (c != ')') name += c == '(' ? '_' : c;
    }
    bool kilobytes = next_word(line) == "kB";
    if (kilobytes) name += "_bytes";
    out.one(name, FamilyType::kGauge, "From /proc/meminfo.", kilobytes ? *value * 1024 : *value);
    any = true;
  }
  return any;
}

bool vmstat_samples(std::string_view text, Samples& out) {
  bool any = false;
  std::string_view line;
  while (next_line(text, line)) {
    std::string_view key = next_word(line);
    bool fault = key.starts_with("pg") && key.find("fault") != std::string_view::npos;
    if (!fault && !key.starts_with("oom_kill") && !key.starts_with("pgpg") && !key.starts_with("pswp")) continue;
    std::optional<double> value = number_of(next_word(line));
    if (!value) continue;
    out.one("node_vmstat_" + std::string(key), FamilyType::kUntyped, "From /proc/vmstat.", *value);
    any = true;
  }
  return any;
}

bool collect_stat(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/stat");
  return text && stat_samples(*text, machine.cpus, out);
}

bool collect_loadavg(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/loadavg");
  return text && loadavg_samples(*text, out);
}

bool collect_meminfo(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/meminfo");
  return text && meminfo_samples(*text, out);
}

bool collect_vmstat(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/vmstat");
  return text && vmstat_samples(*text, out);
}

bool collect_pressure(Machine& machine, Samples& out) {
  bool any = add_pressure(machine, "cpu", "some", "node_pressure_cpu_waiting_seconds_total",
                          "Time in which something waited for a core.", out);
  any |= add_pressure(machine, "io", "full", "node_pressure_io_stalled_seconds_total",
                      "Time in which everything waited for input or output.", out);
  any |= add_pressure(machine, "io", "some", "node_pressure_io_waiting_seconds_total",
                      "Time in which something waited for input or output.", out);
  any |= add_pressure(machine, "memory", "full", "node_pressure_memory_stalled_seconds_total",
                      "Time in which everything waited for memory.", out);
  any |= add_pressure(machine, "memory", "some", "node_pressure_memory_waiting_seconds_total",
                      "Time in which something waited for memory.", out);
  return any;
}

bool collect_filefd(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/sys/fs/file-nr");
  std::array<std::string_view, 3> words;
  if (!text || words_of(text->substr(0, text->find('\n')), words) < words.size()) return false;
  std::optional<double> allocated = number_of(words[0]);
  std::optional<double> most = number_of(words[2]);
  if (!allocated || !most) return false;
  out.one("node_filefd_allocated", FamilyType::kGauge, "File descriptors in use.", *allocated);
  out.one("node_filefd_maximum", FamilyType::kGauge, "File descriptors that there can be.", *most);
  return true;
}

bool collect_entropy(Machine& machine, Samples& out) {
  const std::string dir = machine.roots.proc + "/sys/kernel/random/";
  bool any = add_number(machine, dir + "entropy_avail", "node_entropy_available_bits", "Bits of entropy at hand.", out);
  any |= add_number(machine, dir + "poolsize", "node_entropy_pool_size_bits", "Bits of the entropy pool.", out);
  return any;
}

bool collect_uname(Machine&, Samples& out) {
  os::SystemName name = os::system_name();
  out.family("node_uname_info", FamilyType::kGauge, "What uname says; always 1.");
  out.add(1, {{"domainname", name.domain},
              {"machine", name.machine},
              {"nodename", name.node},
              {"release", name.release},
              {"sysname", name.system},
              {"version", name.version}});
  return !name.system.empty();
}

bool collect_time(Machine& machine, Samples& out) {
  int64_t now = machine.clock.now().get();
  os::LocalZone zone = os::local_zone(now / 1'000'000'000);
  const std::string dir = machine.roots.sys + "/devices/system/clocksource";
  struct Source {
    std::string device, names;
  };
  std::vector<Source> available, current;
  for (const std::string& name : os::names_in(dir)) {
    constexpr std::string_view kPrefix = "clocksource";
    if (!name.starts_with(kPrefix)) continue;
    std::string device = name.substr(kPrefix.size());
    if (auto text = machine.files.read(dir + "/" + name + "/available_clocksource")) {
      available.push_back({device, std::string(trimmed(*text))});
    }
    if (auto text = machine.files.read(dir + "/" + name + "/current_clocksource")) {
      current.push_back({device, std::string(trimmed(*text))});
    }
  }
  auto add = [&out](const std::vector<Source>& sources, std::string_view name, std::string_view help) {
    out.family(name, FamilyType::kGauge, help);
    for (const Source& source : sources) {
      std::string_view names = source.names;
      for (std::string_view word = next_word(names); !word.empty(); word = next_word(names)) {
        out.add(1, {{"clocksource", word}, {"device", source.device}});
      }
    }
  };
  add(available, "node_time_clocksource_available_info", "Clocks that the kernel could use; always 1.");
  add(current, "node_time_clocksource_current_info", "The clock that the kernel uses; always 1.");
  out.one("node_time_seconds", FamilyType::kGauge, "Unix time of the machine.", static_cast<double>(now) / 1e9);
  out.family("node_time_zone_offset_seconds", FamilyType::kGauge, "Seconds east of UTC of the machine's zone.");
  out.add(static_cast<double>(zone.offset_seconds), {{"time_zone", zone.name}});
  return true;
}

}  // namespace clew::host
