// Reading YAML maps key by key, so that nothing in them is passed over in silence.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scrape/config.h"

namespace clew::scrape {

// Threads: one. Lifetime: `out` outlives it.
class ConfigMap {
 public:
  using Node = YAML::Node;
  using Take = std::function<void(const Node& value)>;
  using Keys = std::vector<std::pair<std::string_view, Take>>;
  // Keys that Prometheus has and that change nothing here, with what stands instead; told.
  using NotServed = std::vector<std::pair<std::string_view, std::string_view>>;

  ConfigMap(std::string directory, ReadConfig& out) : directory_(std::move(directory)), out_(out) {}

  void blame(const Node& node, const std::string& message) { out_.mistakes.push_back({line_of(node), message}); }
  void tell(const Node& node, const std::string& message) { out_.told.push_back({line_of(node), message}); }

  void read(const Node& node, const std::string& where, const Keys& keys, const NotServed& not_served = {});
  // Each item of a list.
  void each(const Node& node, const std::string& where, const Take& take);

  Take text(const std::string& where, std::string& to);
  Take texts(const std::string& where, std::vector<std::string>& to);
  Take path(const std::string& where, std::string& to);  // a relative one from the configuration's directory
  Take flag(const std::string& where, bool& to);
  Take number(const std::string& where, uint64_t& to);
  Take bytes(const std::string& where, uint64_t& to);
  Take duration(const std::string& where, int64_t& to);
  Take pairs(const std::string& where, LabelSet::Pairs& to);

  std::string from_directory(const std::string& path) const;

 private:
  static uint32_t line_of(const Node& node) { return static_cast<uint32_t>(node.Mark().line + 1); }
  bool scalar(const Node& node, const std::string& where, const char* expected);

  const std::string directory_;
  ReadConfig& out_;
};

}  // namespace clew::scrape
