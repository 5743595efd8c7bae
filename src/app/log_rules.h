// Rules of metrics.from_logs as a configuration writes them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "derive/log_rules.h"
#include "yaml/tree.h"

namespace clew::app {

// By the metric's name. What is wrong goes to `mistakes`, by line; rules with a mistake are left out.
std::vector<derive::LogRule> read_log_rules(const std::map<std::string, yaml::Tree>& trees, yaml::Mistakes& mistakes);

}  // namespace clew::app
