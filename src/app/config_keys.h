// The table of configuration keys: for each what it is, what holds without it, and where its value goes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/serve.h"
#include "base/result.h"
#include "yaml/tree.h"

namespace YAML {
class Node;
}

namespace clew::app {

// `names` are the words that stood for "*" in the key's path.
using ConfigNames = std::vector<std::string>;
// Of a key whose value is more than a text: a tree, with its lines. What is wrong in it is told by check_...().
using ConfigSetTree = void (*)(ServeOptions& options, const ConfigNames& names, yaml::Tree tree);
// Of a key whose value is in the form of another program.
using ConfigSetYaml = void (*)(ServeOptions& options, const YAML::Node& value, std::vector<ConfigMistake>& mistakes);
using ConfigSet = Status (*)(ServeOptions& options, const ConfigNames& names, const std::string& text);

struct ConfigEntry {
  ConfigKey key;
  ConfigSet set = nullptr;
  ConfigSetTree set_tree = nullptr;
  ConfigSetYaml set_yaml = nullptr;
};

std::span<const ConfigEntry> server_keys();
std::span<const ConfigEntry> listener_keys();
std::span<const ConfigEntry> agent_keys();  // also of the sources, which a server may have too
std::span<const ConfigEntry> pipeline_keys();
std::span<const ConfigEntry> rule_keys();
std::span<const ConfigEntry> remote_keys();
std::span<const ConfigEntry> metrics_keys();
std::span<const ConfigEntry> scrape_keys();
std::span<const ConfigEntry> metric_store_keys();
void check_metrics(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
std::span<const ConfigEntry> topk_keys();
std::span<const ConfigEntry> derived_keys();  // metrics from events
std::span<const ConfigEntry> notify_keys();

// What keys say together, once all are read; adds what is wrong with it.
void check_server(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_sources(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_scrapes(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_remotes(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_topk(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_derived(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_notify(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_pipelines(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);

}  // namespace clew::app
