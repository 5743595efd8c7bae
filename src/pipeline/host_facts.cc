#include "pipeline/host_facts.h"

#include <sys/utsname.h>

#include <array>
#include <fstream>
#include <iterator>

#include "pipeline/json_leaves.h"

namespace clew::pipeline {
namespace {

constexpr std::streamsize kFileBytesMax = 256 << 10;

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(static_cast<size_t>(kFileBytesMax), '\0');
  in.read(text.data(), kFileBytesMax);
  text.resize(static_cast<size_t>(in.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// KEY="value" of os-release.
std::string release_value(const std::string& text, const std::string& key) {
  size_t at = ("\n" + text).find("\n" + key + "=");
  if (at == std::string::npos) return {};
  size_t begin = at + key.size() + 1;
  std::string value = text.substr(begin, text.find('\n', begin) - begin);
  if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
  return value;
}

std::string provider_of(const std::string& vendor) {
  if (vendor.starts_with("Amazon")) return "aws";
  if (vendor.starts_with("Google")) return "gcp";
  if (vendor.starts_with("Microsoft")) return "azure";
  if (vendor.starts_with("DigitalOcean")) return "digitalocean";
  if (vendor.starts_with("Hetzner")) return "hetzner";
  if (vendor.starts_with("OpenStack")) return "openstack";
  if (vendor.starts_with("Alibaba")) return "alibaba";
  return {};
}

struct CloudName {
  std::string_view path;
  std::string_view field;
};
constexpr std::array<CloudName, 5> kCloudNames = {{{"v1.cloud_name", "cloud.provider"},
                                                   {"v1.region", "cloud.region"},
                                                   {"v1.availability_zone", "cloud.availability_zone"},
                                                   {"v1.instance_id", "cloud.instance.id"},
                                                   {"v1.machine_type", "cloud.machine.type"}}};

}  // namespace

HostFacts read_host_facts(const std::string& root) {
  HostFacts out;
  auto add = [&](std::string_view name, std::string value) {
    if (value.empty() || value == "unknown") return;
    for (const auto& [known, text] : out) {
      if (known == name) return;
    }
    out.emplace_back(name, std::move(value));
  };
  utsname names{};
  bool known = ::uname(&names) == 0;
  std::string host = file_text(root + "/etc/hostname");
  add("host.name", known && root.empty() ? names.nodename : host);
  if (known) add("host.architecture", names.machine);
  add("host.id", file_text(root + "/etc/machine-id"));
  std::string release = file_text(root + "/etc/os-release");
  add("os.name", release_value(release, "NAME"));
  add("os.version", release_value(release, "VERSION_ID"));
  if (known) add("os.kernel", names.release);
  std::vector<JsonLeaf> leaves;
  if (read_json_leaves(file_text(root + "/run/cloud-init/instance-data.json"), "", leaves)) {
    for (const CloudName& cloud : kCloudNames) {
      for (const JsonLeaf& leaf : leaves) {
        if (leaf.path == cloud.path) add(cloud.field, leaf.text);
      }
    }
  }
  add("cloud.provider", provider_of(file_text(root + "/sys/class/dmi/id/sys_vendor")));
  return out;
}

}  // namespace clew::pipeline
