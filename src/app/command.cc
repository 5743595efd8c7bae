#include "app/command.h"

namespace clew::app {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"serve", "takes events, keeps them, answers queries", run_serve},
      {"version", "prints the version", run_version},
  };
  return kCommands;
}

}  // namespace clew::app
