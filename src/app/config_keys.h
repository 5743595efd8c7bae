// The table of configuration keys: for each what it is, what holds without it, and where its value goes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/serve.h"
#include "base/result.h"

namespace clew::app {

// `names` are the words that stood for "*" in the key's path.
using ConfigNames = std::vector<std::string>;
using ConfigSet = Status (*)(ServeOptions& options, const ConfigNames& names, const std::string& text);

struct ConfigEntry {
  ConfigKey key;
  ConfigSet set;
};

std::span<const ConfigEntry> server_keys();
std::span<const ConfigEntry> agent_keys();  // also of the sources, which a server may have too

// What keys say together, once all are read; adds what is wrong with it.
void check_server(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);
void check_sources(const ServeOptions& options, std::vector<ConfigMistake>& mistakes);

}  // namespace clew::app
