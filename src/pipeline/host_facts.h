// What a machine says of itself: its name, system and, on a cloud's machine, where it runs. Read once, from files.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace clew::pipeline {

// host.name, host.architecture, os.name, cloud.provider, cloud.instance.id ...; only what is known.
using HostFacts = std::vector<std::pair<std::string, std::string>>;

// Asks nothing of the network: a cloud's machine is known by its firmware and by what cloud-init left. `root`: of the
// file system, "" but in tests.
HostFacts read_host_facts(const std::string& root = "");

}  // namespace clew::pipeline
