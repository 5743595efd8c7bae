#include "scrape/config_map.h"

#include <charconv>

namespace clew::scrape {

void ConfigMap::read(const Node& node, const std::string& where, const Keys& keys, const NotServed& not_served) {
  if (node.IsNull()) return;
  if (!node.IsMap()) return blame(node, where + ": expected keys and values");
  std::set<std::string> seen;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) {
      blame(pair.first, where + ": a key is a word");
      continue;
    }
    const std::string& word = pair.first.Scalar();
    if (!seen.insert(word).second) blame(pair.first, where + ": " + word + " stands here twice");
    bool known = false;
    for (const auto& [name, take] : keys) {
      if (name != word) continue;
      known = true;
      if (!pair.second.IsNull()) take(pair.second);
    }
    for (const auto& [name, instead] : not_served) {
      if (name != word) continue;
      known = true;
      tell(pair.first,
           where + ": " + word + " has no effect here" + (instead.empty() ? "" : ": ") + std::string(instead));
    }
    if (!known) blame(pair.first, where + ": no key " + word);
  }
}

void ConfigMap::each(const Node& node, const std::string& where, const Take& take) {
  if (!node.IsSequence()) return blame(node, where + ": expected a list");
  for (const auto& item : node) take(item);
}

bool ConfigMap::scalar(const Node& node, const std::string& where, const char* expected) {
  if (node.IsScalar()) return true;
  blame(node, where + ": expected " + expected);
  return false;
}

ConfigMap::Take ConfigMap::text(const std::string& where, std::string& to) {
  return [this, where, &to](const Node& node) {
    if (scalar(node, where, "a text")) to = node.Scalar();
  };
}

ConfigMap::Take ConfigMap::texts(const std::string& where, std::vector<std::string>& to) {
  return [this, where, &to](const Node& node) {
    to.clear();
    each(node, where, [&](const Node& item) {
      if (scalar(item, where, "a text")) to.push_back(item.Scalar());
    });
  };
}

std::string ConfigMap::from_directory(const std::string& path) const {
  bool relative = !path.empty() && path.front() != '/' && !directory_.empty();
  return relative ? directory_ + "/" + path : path;
}

ConfigMap::Take ConfigMap::path(const std::string& where, std::string& to) {
  return [this, where, &to](const Node& node) {
    if (scalar(node, where, "a file")) to = from_directory(node.Scalar());
  };
}

ConfigMap::Take ConfigMap::flag(const std::string& where, bool& to) {
  return [this, where, &to](const Node& node) {
    if (!scalar(node, where, "true or false")) return;
    const std::string& word = node.Scalar();
    if (word != "true" && word != "false")
      return blame(node, where + ": " + quoted(word) + " is neither true nor false");
    to = word == "true";
  };
}

ConfigMap::Take ConfigMap::number(const std::string& where, uint64_t& to) {
  return [this, where, &to](const Node& node) {
    if (!scalar(node, where, "a number")) return;
    const std::string& word = node.Scalar();
    uint64_t value = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
      return blame(node, where + ": " + quoted(word) + " is no number");
    }
    to = value;
  };
}

ConfigMap::Take ConfigMap::bytes(const std::string& where, uint64_t& to) {
  return [this, where, &to](const Node& node) {
    if (!scalar(node, where, "a size")) return;
    std::optional<uint64_t> value = parse_bytes(node.Scalar());
    if (!value) return blame(node, where + ": " + quoted(node.Scalar()) + " is no size: write 10MB");
    to = *value;
  };
}

ConfigMap::Take ConfigMap::duration(const std::string& where, int64_t& to) {
  return [this, where, &to](const Node& node) {
    if (!scalar(node, where, "a duration")) return;
    std::optional<int64_t> value = parse_duration(node.Scalar());
    if (!value) return blame(node, where + ": " + quoted(node.Scalar()) + " is no duration: write 15s");
    to = *value;
  };
}

ConfigMap::Take ConfigMap::pairs(const std::string& where, LabelSet::Pairs& to) {
  return [this, where, &to](const Node& node) {
    if (!node.IsMap()) return blame(node, where + ": expected names and values");
    for (const auto& pair : node) {
      if (!scalar(pair.first, where, "a name") || !scalar(pair.second, where, "a value")) continue;
      to.emplace_back(pair.first.Scalar(), pair.second.Scalar());
    }
  };
}

}  // namespace clew::scrape
