// The parts of the configuration's reader: what `global` says, receivers, and the file without its secrets.
#pragma once

#include <string>

#include "notify/config.h"
#include "yaml/tree.h"

namespace clew::notify {

// `global:`; what receivers take from there.
struct Global {
  uint64_t resolve_timeout_ns = 300'000'000'000;
  HttpOptions http;
  std::map<std::string, std::string> texts;  // smtp_from, pagerduty_url
  std::map<std::string, Secret> secrets;     // slack_api_url
  bool smtp_require_tls = true;
};
Global read_global(const yaml::Tree& tree, yaml::Mistakes& notes, yaml::Mistakes& mistakes);

Receiver read_receiver(const yaml::Tree& tree, const Global& global, Templates templates, yaml::Mistakes& notes,
                       yaml::Mistakes& mistakes);

// The file as YAML again, "<secret>" where a secret stood.
std::string masked_yaml(const yaml::Tree& root);

}  // namespace clew::notify
