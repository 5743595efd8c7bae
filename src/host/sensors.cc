// Temperatures and fans, from hwmon and thermal zones.
#include <algorithm>

#include "host/collectors.h"
#include "host/text.h"

namespace clew::host {
namespace {

// Of a file `temp1_input`: the sensor temp1, its property input.
struct SensorKind {
  std::string_view sensor, property, name;
  double unit;
  std::string_view help;
};
constexpr SensorKind kKinds[] = {
    {"temp", "input", "node_hwmon_temp_celsius", 1e-3, "Temperature."},
    {"temp", "max", "node_hwmon_temp_max_celsius", 1e-3, "Temperature that should not be exceeded."},
    {"temp", "crit", "node_hwmon_temp_crit_celsius", 1e-3, "Temperature at which the device takes harm."},
    {"temp", "crit_alarm", "node_hwmon_temp_crit_alarm_celsius", 1e-3, "Whether that temperature was reached."},
    {"fan", "input", "node_hwmon_fan_rpm", 1, "Turns of a fan in a minute."},
    {"fan", "min", "node_hwmon_fan_min_rpm", 1, "Turns that a fan should not fall below."},
};

struct Reading {
  std::string chip, sensor;
  double value = 0;
};

struct NamedSensor {
  std::string chip, sensor, label;
};

// Small letters, digits and "_" alone, as in a metric's name.
std::string clean_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    bool upper = c >= 'A' && c <= 'Z';
    bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_';
    out.push_back(upper ? static_cast<char>(c - 'A' + 'a') : kept ? c : '_');
  }
  size_t begin = std::min(out.find_first_not_of('_'), out.size());
  size_t end = out.find_last_not_of('_');
  return end == std::string::npos ? std::string() : out.substr(begin, end + 1 - begin);
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string text_at(Machine& machine, const std::string& path) {
  std::optional<std::string_view> text = machine.files.read(path);
  return text ? std::string(trimmed(*text)) : std::string();
}

// By the device that the chip sits on, `platform_coretemp_0`, which stays the same when others come and go.
std::string chip_name(Machine& machine, const std::string& dir, const std::string& entry) {
  std::string device = os::real_path(dir + "/device");
  std::string name = clean_name(last_part(device));
  if (!name.empty()) {
    std::string kind = clean_name(last_part(std::string_view(device).substr(0, device.rfind('/'))));
    return kind.empty() ? name : kind + "_" + name;
  }
  name = clean_name(text_at(machine, dir + "/name"));
  return name.empty() ? clean_name(entry) : name;
}

// "temp1_crit_alarm" gives "temp1" and "crit_alarm".
bool split_file(std::string_view file, std::string_view kind, std::string_view& sensor, std::string_view& property) {
  size_t underscore = file.find('_');
  if (!file.starts_with(kind) || underscore == std::string_view::npos || underscore <= kind.size()) return false;
  sensor = file.substr(0, underscore);
  property = file.substr(underscore + 1);
  return sensor.find_first_not_of("0123456789", kind.size()) == std::string_view::npos;
}

struct Sensors {
  std::array<std::vector<Reading>, std::size(kKinds)> readings;
  std::vector<NamedSensor> labels;
  std::vector<std::pair<std::string, std::string>> chips;  // chip, the name it gives itself
};

void read_chip(Machine& machine, const std::string& dir, const std::string& chip, Sensors& to) {
  for (const std::string& file : os::names_in(dir)) {
    std::string_view sensor, property;
    for (size_t i = 0; i < std::size(kKinds); ++i) {
      if (!split_file(file, kKinds[i].sensor, sensor, property) || property != kKinds[i].property) continue;
      std::optional<double> value = number_of(text_at(machine, dir + "/" + file));
      if (value) to.readings[i].push_back({chip, std::string(sensor), *value * kKinds[i].unit});
    }
    bool known = split_file(file, "temp", sensor, property) || split_file(file, "fan", sensor, property);
    if (known && property == "label")
      to.labels.push_back({chip, std::string(sensor), text_at(machine, dir + "/" + file)});
  }
  std::string name = text_at(machine, dir + "/name");
  if (!name.empty()) to.chips.emplace_back(chip, std::move(name));
}

}  // namespace

bool collect_hwmon(Machine& machine, Samples& out) {
  const std::string top = machine.roots.sys + "/class/hwmon";
  Sensors sensors;
  std::vector<std::string> entries = os::names_in(top);
  for (const std::string& entry : entries) {
    const std::string dir = top + "/" + entry;
    read_chip(machine, dir, chip_name(machine, dir, entry), sensors);
  }
  out.family("node_hwmon_chip_names", FamilyType::kGauge, "What chips call themselves; always 1.");
  for (const auto& [chip, name] : sensors.chips) out.add(1, {{"chip", chip}, {"chip_name", name}});
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    out.family(kKinds[i].name, FamilyType::kGauge, kKinds[i].help);
    for (const Reading& r : sensors.readings[i]) out.add(r.value, {{"chip", r.chip}, {"sensor", r.sensor}});
  }
  out.family("node_hwmon_sensor_label", FamilyType::kGauge, "What sensors are called; always 1.");
  for (const NamedSensor& s : sensors.labels) {
    out.add(1, {{"chip", s.chip}, {"label", s.label}, {"sensor", s.sensor}});
  }
  return !entries.empty();
}

bool collect_thermal_zone(Machine& machine, Samples& out) {
  const std::string top = machine.roots.sys + "/class/thermal";
  struct Cooling {
    std::string name, type;
    std::optional<double> now, most;
  };
  std::vector<Reading> zones;  // chip: the zone's type, sensor: its number
  std::vector<Cooling> coolings;
  for (const std::string& entry : os::names_in(top)) {
    const std::string dir = top + "/" + entry + "/";
    constexpr std::string_view kZone = "thermal_zone", kCooling = "cooling_device";
    if (entry.starts_with(kZone)) {
      std::optional<double> value = number_of(text_at(machine, dir + "temp"));
      if (value) zones.push_back({text_at(machine, dir + "type"), entry.substr(kZone.size()), *value / 1000});
    } else if (entry.starts_with(kCooling)) {
      coolings.push_back({entry.substr(kCooling.size()), text_at(machine, dir + "type"),
                          number_of(text_at(machine, dir + "cur_state")),
                          number_of(text_at(machine, dir + "max_state"))});
    }
  }
  out.family("node_cooling_device_cur_state", FamilyType::kGauge, "How hard a device cools.");
  for (const Cooling& c : coolings) {
    if (c.now) out.add(*c.now, {{"name", c.name}, {"type", c.type}});
  }
  out.family("node_cooling_device_max_state", FamilyType::kGauge, "How hard it can.");
  for (const Cooling& c : coolings) {
    if (c.most) out.add(*c.most, {{"name", c.name}, {"type", c.type}});
  }
  out.family("node_thermal_zone_temp", FamilyType::kGauge, "Temperature of a zone in degrees Celsius.");
  for (const Reading& zone : zones) out.add(zone.value, {{"type", zone.chip}, {"zone", zone.sensor}});
  return !os::real_path(top).empty();
}

}  // namespace clew::host
