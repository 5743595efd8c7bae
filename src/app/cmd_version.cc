#include <cstdio>

#include "app/command.h"
#include "app/flags.h"

namespace clew::app {

int run_version(int argc, char** argv) {
  Flags flags("version", "prints the version", "clew version");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  std::printf("clew %s\n", std::string(kVersion).c_str());
  return 0;
}

}  // namespace clew::app
