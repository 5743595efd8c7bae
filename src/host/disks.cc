// Disks and file systems.
#include <algorithm>

#include "host/collectors.h"
#include "host/text.h"

namespace clew::host {
namespace {

constexpr double kSectorBytes = 512;
constexpr double kMilli = 1e-3;

// A column of /proc/diskstats behind the name, and what it is.
struct Column {
  size_t at;
  std::string_view name;
  FamilyType type;
  double unit;
  std::string_view help;
};
constexpr FamilyType kCounter = FamilyType::kCounter;
constexpr Column kColumns[] = {
    {0, "node_disk_reads_completed_total", kCounter, 1, "Reads that succeeded."},
    {1, "node_disk_reads_merged_total", kCounter, 1, "Reads that were joined with others."},
    {2, "node_disk_read_bytes_total", kCounter, kSectorBytes, "Bytes read."},
    {3, "node_disk_read_time_seconds_total", kCounter, kMilli, "Time of all reads."},
    {4, "node_disk_writes_completed_total", kCounter, 1, "Writes that succeeded."},
    {5, "node_disk_writes_merged_total", kCounter, 1, "Writes that were joined with others."},
    {6, "node_disk_written_bytes_total", kCounter, kSectorBytes, "Bytes written."},
    {7, "node_disk_write_time_seconds_total", kCounter, kMilli, "Time of all writes."},
    {8, "node_disk_io_now", FamilyType::kGauge, 1, "Requests under way."},
    {9, "node_disk_io_time_seconds_total", kCounter, kMilli, "Time in which requests were under way."},
    {10, "node_disk_io_time_weighted_seconds_total", kCounter, kMilli, "The same, times the requests under way."},
    {11, "node_disk_discards_completed_total", kCounter, 1, "Discards that succeeded."},
    {12, "node_disk_discards_merged_total", kCounter, 1, "Discards that were joined with others."},
    {13, "node_disk_discarded_sectors_total", kCounter, 1, "Sectors discarded."},
    {14, "node_disk_discard_time_seconds_total", kCounter, kMilli, "Time of all discards."},
    {15, "node_disk_flush_requests_total", kCounter, 1, "Flushes that succeeded."},
    {16, "node_disk_flush_requests_time_seconds_total", kCounter, kMilli, "Time of all flushes."},
};
constexpr size_t kValuesMax = std::size(kColumns);

struct Disk {
  std::string major, minor, name;
  std::array<double, kValuesMax> values{};
  size_t count = 0;
};

bool ends_in_number(std::string_view name, size_t stem) {
  return name.size() > stem && name.find_first_not_of("0123456789", stem) == std::string_view::npos;
}

// Partitions, and devices that stand for files or memory: their disk has the numbers, or they have none of use.
bool is_left_out(std::string_view name) {
  for (std::string_view stem : {"ram", "loop", "fd"}) {
    if (name.starts_with(stem) && ends_in_number(name, stem.size())) return true;
  }
  for (std::string_view stem : {"hd", "sd", "vd", "xvd"}) {
    bool lettered =
        name.starts_with(stem) && name.size() > stem.size() && name[stem.size()] >= 'a' && name[stem.size()] <= 'z';
    if (lettered && ends_in_number(name, stem.size() + 1)) return true;
  }
  if (!name.starts_with("nvme")) return false;
  size_t space = name.find('n', 4);
  size_t part = name.find('p', space == std::string_view::npos ? 4 : space);
  return space != std::string_view::npos && part != std::string_view::npos && ends_in_number(name, part + 1);
}

std::vector<Disk> disks_of(std::string_view text) {
  std::vector<Disk> disks;
  std::string_view line;
  while (next_line(text, line)) {
    Disk disk;
    disk.major = next_word(line);
    disk.minor = next_word(line);
    disk.name = next_word(line);
    if (disk.name.empty() || is_left_out(disk.name)) continue;
    std::array<std::string_view, kValuesMax> words;
    size_t count = words_of(line, words);
    for (; disk.count < count; ++disk.count) {
      std::optional<double> value = number_of(words[disk.count]);
      if (!value) break;
      disk.values[disk.count] = *value;
    }
    if (disk.count > 0) disks.push_back(std::move(disk));
  }
  return disks;
}

DiskProperties properties_of(std::string_view udev) {
  DiskProperties out;
  std::string_view line;
  while (next_line(udev, line)) {
    auto take = [line](std::string_view name, std::string& to) {
      if (line.starts_with(name)) to = line.substr(name.size());
    };
    take("E:ID_PATH=", out.path);
    take("E:ID_MODEL=", out.model);
    take("E:ID_SERIAL_SHORT=", out.serial);
    take("E:ID_REVISION=", out.revision);
    take("E:ID_WWN=", out.wwn);
  }
  return out;
}

const DiskProperties& known_properties(Machine& machine, const Disk& disk) {
  std::string key = disk.major + ":" + disk.minor;
  auto known = machine.disks.find(key);
  if (known != machine.disks.end()) return known->second;
  std::optional<std::string_view> udev = machine.files.read(machine.roots.udev + "/b" + key);
  return machine.disks[key] = udev ? properties_of(*udev) : DiskProperties{};
}

// \040 is a blank.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    bool octal = text[at] == '\\' && at + 3 < text.size() &&
                 text.substr(at + 1, 3).find_first_not_of("01234567") == std::string_view::npos && text[at + 1] <= '3';
    if (!octal) {
      out.push_back(text[at]);
      continue;
    }
    out.push_back(static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0')));
    at += 3;
  }
  return out;
}

constexpr std::string_view kPseudoTypes[] = {
    "autofs",   "binfmt_misc", "bpf",        "cgroup",     "cgroup2",   "configfs", "debugfs", "devpts",
    "devtmpfs", "fusectl",     "hugetlbfs",  "iso9660",    "mqueue",    "nsfs",     "overlay", "proc",
    "procfs",   "pstore",      "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs",   "tracefs"};

bool is_below(std::string_view path, std::string_view top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

bool is_of_the_system(std::string_view mount_point) {
  for (std::string_view top : {"/dev", "/proc", "/sys"}) {
    if (is_below(mount_point, top)) return true;
  }
  for (std::string_view above : {"/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/"}) {
    if (mount_point.starts_with(above) && mount_point.size() > above.size()) return true;
  }
  return false;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) return false;
    options.remove_prefix(comma + 1);
  }
  return false;
}

struct MountSpace {
  Mount mount;
  std::optional<os::FilesystemSpace> space;
};

void add_spaces(const std::vector<MountSpace>& spaces, std::string_view name, std::string_view help,
                double (*value)(const MountSpace&), Samples& out) {
  out.family(name, FamilyType::kGauge, help);
  for (const MountSpace& s : spaces) {
    double number = value(s);
    if (number < 0) continue;
    out.add(number, {{"device", s.mount.device}, {"fstype", s.mount.type}, {"mountpoint", s.mount.mount_point}});
  }
}

}  // namespace

std::vector<Mount> data_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  std::string_view line;
  while (next_line(text, line)) {
    std::array<std::string_view, 4> words;
    if (words_of(line, words) < words.size()) continue;
    Mount mount{unescaped(words[0]), unescaped(words[1]), std::string(words[2]), has_option(words[3], "ro")};
    bool pseudo = std::find(std::begin(kPseudoTypes), std::end(kPseudoTypes), mount.type) != std::end(kPseudoTypes);
    if (pseudo || is_of_the_system(mount.mount_point)) continue;
    bool again = std::any_of(mounts.begin(), mounts.end(), [&mount](const Mount& m) {
      return m.device == mount.device && m.mount_point == mount.mount_point && m.type == mount.type;
    });
    if (!again) mounts.push_back(std::move(mount));
  }
  return mounts;
}

bool collect_diskstats(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read_kept(machine.roots.proc + "/diskstats");
  if (!text) return false;
  std::vector<Disk> disks = disks_of(*text);
  for (const Column& column : kColumns) {
    out.family(column.name, column.type, column.help);
    for (const Disk& disk : disks) {
      if (column.at < disk.count) out.add(disk.values[column.at] * column.unit, {{"device", disk.name}});
    }
  }
  out.family("node_disk_info", FamilyType::kGauge, "What udev knows of a disk; always 1.");
  for (const Disk& disk : disks) {
    const DiskProperties& p = known_properties(machine, disk);
    out.add(1, {{"device", disk.name},
                {"major", disk.major},
                {"minor", disk.minor},
                {"model", p.model},
                {"path", p.path},
                {"revision", p.revision},
                {"serial", p.serial},
                {"wwn", p.wwn}});
  }
  return true;
}

bool collect_filesystem(Machine& machine, Samples& out) {
  std::optional<std::string_view> text = machine.files.read(machine.roots.proc + "/1/mounts");
  if (!text) text = machine.files.read(machine.roots.proc + "/self/mounts");
  if (!text) return false;
  std::vector<MountSpace> spaces;
  for (Mount& mount : data_mounts(*text)) {
    std::optional<os::FilesystemSpace> space = os::filesystem_space(mount.mount_point);
    spaces.push_back({std::move(mount), space});
  }
  using Space = MountSpace;
  // Less than nothing: not known.
  add_spaces(
      spaces, "node_filesystem_avail_bytes", "Bytes that users may still write.",
      [](const Space& s) { return s.space ? static_cast<double>(s.space->available_bytes) : -1; }, out);
  add_spaces(
      spaces, "node_filesystem_device_error", "1 where the file system does not say how full it is.",
      [](const Space& s) { return s.space ? 0.0 : 1.0; }, out);
  add_spaces(
      spaces, "node_filesystem_files", "Files that there can be.",
      [](const Space& s) { return s.space ? static_cast<double>(s.space->files) : -1; }, out);
  add_spaces(
      spaces, "node_filesystem_files_free", "Files that can still be made.",
      [](const Space& s) { return s.space ? static_cast<double>(s.space->files_free) : -1; }, out);
  add_spaces(
      spaces, "node_filesystem_free_bytes", "Bytes free, those kept for root included.",
      [](const Space& s) { return s.space ? static_cast<double>(s.space->free_bytes) : -1; }, out);
  add_spaces(
      spaces, "node_filesystem_readonly", "1 where it is mounted read-only.",
      [](const Space& s) { return s.space ? (s.mount.read_only ? 1.0 : 0.0) : -1; }, out);
  add_spaces(
      spaces, "node_filesystem_size_bytes", "Bytes of the file system.",
      [](const Space& s) { return s.space ? static_cast<double>(s.space->size_bytes) : -1; }, out);
  return true;
}

}  // namespace clew::host
