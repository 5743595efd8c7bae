#include "app/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

#include "app/config_keys.h"
#include "app/flags.h"
#include "os/disk.h"
#include "yaml/tree_yaml.h"

namespace clew::app {
namespace {

constexpr uint64_t kConfigBytesMax = 1u << 20;
constexpr size_t kDepthMax = 8;

using Names = ConfigNames;

std::vector<ConfigEntry> all_entries() {
  std::vector<ConfigEntry> all(server_keys().begin(), server_keys().end());
  all.insert(all.end(), agent_keys().begin(), agent_keys().end());
  all.insert(all.end(), pipeline_keys().begin(), pipeline_keys().end());
  all.insert(all.end(), remote_keys().begin(), remote_keys().end());
  all.insert(all.end(), rule_keys().begin(), rule_keys().end());
  all.insert(all.end(), metric_store_keys().begin(), metric_store_keys().end());
  all.insert(all.end(), notify_keys().begin(), notify_keys().end());
  all.insert(all.end(), listener_keys().begin(), listener_keys().end());
  all.insert(all.end(), metrics_keys().begin(), metrics_keys().end());
  all.insert(all.end(), scrape_keys().begin(), scrape_keys().end());
  all.insert(all.end(), topk_keys().begin(), topk_keys().end());
  all.insert(all.end(), derived_keys().begin(), derived_keys().end());
  return all;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> words;
  while (true) {
    size_t dot = path.find('.');
    words.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return words;
    path.remove_prefix(dot + 1);
  }
}

// Reads the tree and keeps what is wrong with it.
class Reader {
 public:
  Reader(const Environment& environment, ServeOptions& options) : environment_(environment), options_(options) {}

  void read(const YAML::Node& root) {
    if (root.IsNull()) return;
    read_map(root, {});
  }
  std::vector<ConfigMistake> take() {
    std::stable_sort(mistakes_.begin(), mistakes_.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return std::move(mistakes_);
  }

 private:
  static uint32_t line_of(const YAML::Node& node) { return static_cast<uint32_t>(node.Mark().line + 1); }
  void blame(const YAML::Node& node, std::string message) { mistakes_.push_back({line_of(node), std::move(message)}); }

  // Words that may follow `path`; "*" allows any.
  std::set<std::string> words_after(const Names& path) const {
    std::set<std::string> words;
    for (const ConfigEntry& entry : entries_) {
      std::vector<std::string> want = split_path(entry.key.path);
      if (want.size() <= path.size()) continue;
      bool same = true;
      for (size_t i = 0; i < path.size(); ++i) same = same && (want[i] == "*" || want[i] == path[i]);
      if (same) words.insert(want[path.size()]);
    }
    return words;
  }

  const ConfigEntry* entry_of(const Names& path, Names& names) const {
    for (const ConfigEntry& entry : entries_) {
      std::vector<std::string> want = split_path(entry.key.path);
      if (want.size() != path.size()) continue;
      names.clear();
      bool same = true;
      for (size_t i = 0; i < want.size() && same; ++i) {
        if (want[i] == "*") names.push_back(path[i]);
        same = want[i] == "*" || want[i] == path[i];
      }
      if (same) return &entry;
    }
    return nullptr;
  }

  static std::string text_of(const Names& path) { return fmt::format("{}", fmt::join(path, ".")); }

  void read_map(const YAML::Node& node, const Names& path) {
    if (!node.IsMap()) {
      blame(node, (path.empty() ? "the file" : text_of(path)) + ": expected keys and values");
      return;
    }
    std::set<std::string> allowed = words_after(path);
    std::set<std::string> seen;
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) {
        blame(pair.first, "a key is a word");
        continue;
      }
      std::string word = pair.first.Scalar();
      if (!seen.insert(word).second) blame(pair.first, fmt::format("{} stands here twice", word));
      Names inside = path;
      inside.push_back(word);
      if (allowed.count(word) == 0 && allowed.count("*") == 0) {
        unknown(pair.first, inside, allowed);
      } else {
        read_value(pair.first, pair.second, inside);
      }
    }
  }

  void unknown(const YAML::Node& node, const Names& path, const std::set<std::string>& allowed) {
    std::vector<std::string> known(allowed.begin(), allowed.end());
    std::string near = nearest_name(path.back(), known);
    std::string hint =
        near.empty() ? fmt::format("known here: {}", fmt::join(known, ", ")) : "did you mean " + near + "?";
    blame(node, fmt::format("no key {}; {}", text_of(path), hint));
  }

  void read_value(const YAML::Node& key, const YAML::Node& value, const Names& path) {
    Names names;
    const ConfigEntry* entry = entry_of(path, names);
    if (entry == nullptr) {
      if (value.IsNull()) return;  // a heading with nothing under it
      if (path.size() < kDepthMax) read_map(value, path);
      return;
    }
    if (value.IsNull()) return;  // the default
    if (entry->set_yaml != nullptr) return entry->set_yaml(options_, value, mistakes_);
    if (entry->set_tree != nullptr) {
      yaml::Mistakes wrong;
      entry->set_tree(options_, names,
                      yaml::tree_of(value, wrong, [this](const std::string& text) { return substituted(text); }));
      for (yaml::Mistake& one : wrong) mistakes_.push_back({one.line, std::move(one.message)});
      return;
    }
    if (value.IsSequence() && entry->key.kind == "list") {
      for (const auto& item : value) set_scalar(key, item, path, names, *entry);
      return;
    }
    set_scalar(key, value, path, names, *entry);
  }

  void set_scalar(const YAML::Node& key, const YAML::Node& value, const Names& path, const Names& names,
                  const ConfigEntry& entry) {
    if (!value.IsScalar()) {
      blame(key, fmt::format("{}: expected a {}", text_of(path), entry.key.kind));
      return;
    }
    Result<std::string> text = substituted(value.Scalar());
    Status done = text.ok() ? entry.set(options_, names, *text) : Status(text.error());
    if (!done.ok()) blame(value, fmt::format("{}: {}", text_of(path), done.error().message()));
  }

  // ${NAME} and ${NAME:-default}; $${ stands for ${.
  Result<std::string> substituted(const std::string& text) const {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      if (text.compare(at, 3, "$${") == 0) {
        out += "${";
        at += 3;
      } else if (text.compare(at, 2, "${") == 0) {
        size_t close = text.find('}', at);
        if (close == std::string::npos) return Error(Code::kInvalid, "${ without }");
        out += CLEW_TRY(variable(text.substr(at + 2, close - at - 2)));
        at = close + 1;
      } else {
        out += text[at++];
      }
    }
    return out;
  }

  Result<std::string> variable(const std::string& inside) const {
    size_t mark = inside.find(":-");
    std::string name = inside.substr(0, mark);
    std::optional<std::string> value = environment_(name);
    if (value && !(value->empty() && mark != std::string::npos)) return *value;
    if (mark != std::string::npos) return inside.substr(mark + 2);
    return Error(Code::kInvalid,
                 fmt::format("the environment variable {} is not set: set it, or write ${{{}:-default}}", name, name));
  }

  const Environment& environment_;
  const std::vector<ConfigEntry> entries_ = all_entries();
  ServeOptions& options_;
  std::vector<ConfigMistake> mistakes_;
};

}  // namespace

std::vector<ConfigMistake> read_config(const std::string& text, const Environment& environment, ServeOptions& options) {
  Reader reader(environment, options);
  std::vector<ConfigMistake> mistakes;
  try {
    reader.read(YAML::Load(text));
    mistakes = reader.take();
  } catch (const YAML::Exception& error) {
    uint32_t line = error.mark.is_null() ? 0 : static_cast<uint32_t>(error.mark.line + 1);
    mistakes = reader.take();
    mistakes.push_back({line, "no YAML: " + error.msg});
    return mistakes;
  }
  check_server(options, mistakes);
  check_sources(options, mistakes);
  check_pipelines(options, mistakes);
  check_scrapes(options, mistakes);
  check_remotes(options, mistakes);
  check_derived(options, mistakes);
  check_topk(options, mistakes);
  check_notify(options, mistakes);
  return mistakes;
}

Status load_config(const std::string& path, ServeOptions& options) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  std::unique_ptr<os::File> file = CLEW_TRY(disk->open(path, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  if (bytes > kConfigBytesMax) return Error(Code::kTooLarge, path + " is no configuration: over 1 MiB");
  std::string text = CLEW_TRY(file->read_at(0, bytes));
  Environment environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  std::vector<ConfigMistake> mistakes = read_config(text, environment, options);
  if (mistakes.empty()) return {};
  std::string lines;
  for (const ConfigMistake& mistake : mistakes) {
    std::string line = mistake.line == 0 ? std::string() : fmt::format("{}:", mistake.line);
    lines += fmt::format("{}{}:{} {}", lines.empty() ? "" : "\n", path, line, mistake.message);
  }
  return Error(Code::kInvalid, std::move(lines));
}

std::vector<ConfigKey> config_keys() {
  std::vector<ConfigKey> keys;
  for (const ConfigEntry& entry : all_entries()) keys.push_back(entry.key);
  return keys;
}

std::optional<uint64_t> parse_duration_ms(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  struct Unit {
    std::string_view name;
    uint64_t millis;
  };
  constexpr Unit kUnits[] = {{"ms", 1},        {"s", 1000},       {"m", 60'000},
                             {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  for (const Unit& known : kUnits) {
    if (unit == known.name && value <= UINT64_MAX / known.millis) return value * known.millis;
  }
  return std::nullopt;
}

logstore::RetentionRule dataset_rule(const ServeOptions& options, const std::string& dataset) {
  auto own = options.dataset_retention.find(dataset);
  logstore::RetentionRule rule{options.hot_days, options.total_days, 0};
  if (own == options.dataset_retention.end()) return rule;
  if (own->second.hot_days != 0) rule.hot_days = own->second.hot_days;
  if (own->second.total_days != 0) rule.total_days = own->second.total_days;
  rule.hot_days = std::min(rule.hot_days, rule.total_days);
  rule.bytes_max = own->second.bytes_max;
  return rule;
}

std::vector<logstore::ClassRule> class_rules(const ServeOptions& options, const std::string& dataset) {
  std::vector<logstore::ClassRule> rules;
  auto own = options.dataset_retention.find(dataset);
  if (own == options.dataset_retention.end()) return rules;
  for (const auto& [name, wanted] : own->second.classes) {
    logstore::RetentionRule rule = dataset_rule(options, dataset);
    if (wanted.total_days != 0) rule.total_days = wanted.total_days;
    rule.hot_days = wanted.hot_days != 0 ? wanted.hot_days : std::min(rule.hot_days, rule.total_days);
    rule.bytes_max = wanted.bytes_max;
    rules.push_back({name, wanted.field, wanted.value, rule});
  }
  return rules;
}

std::string nearest_name(std::string_view word, std::span<const std::string> known) {
  auto distance = [](std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t corner = row[0];
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        size_t replaced = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
        corner = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    return row[b.size()];
  };
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& name : known) {
    size_t found = distance(word, name);
    if (found < best_distance) {
      best = name;
      best_distance = found;
    }
  }
  return best;
}

}  // namespace clew::app
