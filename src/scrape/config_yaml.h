// Reads scrape configuration out of YAML. For those who have a node at hand; others use config.h.
#pragma once

#include <string>

#include "scrape/config.h"

namespace YAML {
class Node;
}

namespace clew::scrape {

// A map with `global`, `scrape_configs` and whatever else Prometheus knows. May throw what yaml-cpp throws.
// `directory` is where relative paths start from.
void read_config_node(const YAML::Node& root, const std::string& directory, ReadConfig& out);

}  // namespace clew::scrape
