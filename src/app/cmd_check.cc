#include <cstdio>

#include "app/command.h"
#include "app/config.h"
#include "app/flags.h"
#include "app/scraping.h"

namespace clew::app {

int run_check(int argc, char** argv) {
  std::string path;
  bool keys = false;
  Flags flags("check", "explains the mistakes of a configuration file by line",
              "clew check /etc/clew/clew.yaml\n"
              "clew check --keys                    every key with its default");
  flags.argument(path, "FILE", "the configuration", false);
  flags.yes(keys, "--keys", "list every key");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (keys) {
    for (const ConfigKey& key : config_keys()) {
      std::printf("%-32s %-10s default %s. %s\n", std::string(key.path).c_str(), std::string(key.kind).c_str(),
                  std::string(key.otherwise).c_str(), std::string(key.help).c_str());
    }
    return 0;
  }
  if (path.empty()) {
    std::fputs("clew check: name a configuration file\n", stderr);
    return 2;
  }
  ServeOptions options;
  Status read = load_config(path, options);
  if (!read.ok()) {
    std::fprintf(stderr, "%s\n", read.error().message().c_str());
    return 1;
  }
  std::vector<std::string> told;
  (void)scrapes_of(options.agent.scrape, told);
  for (const std::string& line : told) std::printf("%s\n", line.c_str());
  std::printf("%s: no mistakes\n", path.c_str());
  return 0;
}

}  // namespace clew::app
