#include "scrape/group_file.h"

#include <yaml-cpp/yaml.h>

#include "scrape/config_map.h"

namespace clew::scrape {

Result<std::vector<TargetGroup>> parse_groups(const std::string& text, const std::string& source) {
  std::vector<TargetGroup> groups;
  ReadConfig notices;
  ConfigMap map({}, notices);
  try {
    YAML::Node root = YAML::Load(text);  // JSON is YAML
    if (root.IsNull()) return groups;
    map.each(root, "the list of targets", [&](const YAML::Node& item) {
      std::vector<std::string> targets;
      TargetGroup group;
      group.source = source + ":" + std::to_string(groups.size());
      map.read(item, "a group",
               {{"targets", map.texts("targets", targets)}, {"labels", map.pairs("labels", group.labels)}});
      for (std::string& target : targets) group.targets.push_back({{"__address__", std::move(target)}});
      groups.push_back(std::move(group));
    });
  } catch (const YAML::Exception& error) {
    return Error(Code::kInvalid, source + ": neither JSON nor YAML: " + error.msg);
  }
  if (notices.mistakes.empty()) return groups;
  const Notice& first = notices.mistakes.front();
  return Error(Code::kInvalid, source + ":" + std::to_string(first.line) + ": " + first.message);
}

}  // namespace clew::scrape
