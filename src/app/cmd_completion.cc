// Completion scripts. They know the commands; flags they take from `clew COMMAND --help`, so that they never go stale.
#include <cstdio>
#include <string>

#include "app/command.h"
#include "app/flags.h"

namespace clew::app {
namespace {

constexpr const char* kBash = R"sh(_clew() {
  local word=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '@COMMANDS@' -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _clew clew
)sh";

constexpr const char* kZsh = R"sh(#compdef clew
_clew() {
  if (( CURRENT == 2 )); then
    compadd -- @COMMANDS@
  elif [[ $words[CURRENT] == -* ]]; then
    compadd -- ${(f)"$($words[1] $words[2] --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)"}
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_clew" ]; then _clew "$@"; else compdef _clew clew; fi
)sh";

constexpr const char* kFish = R"sh(complete -c clew -n '__fish_is_nth_token 1' -f -a '@COMMANDS@'
complete -c clew -n 'not __fish_is_nth_token 1; and string match -q -- "-*" (commandline -ct)' -f -a '(clew (commandline -opc)[2] --help 2>/dev/null | string match -ar -- "--[a-z][a-z-]*" | sort -u)'
)sh";

}  // namespace

int run_completion(int argc, char** argv) {
  std::string shell;
  Flags flags("completion", "prints a completion script",
              "source <(clew completion bash)\n"
              "clew completion zsh > \"${fpath[1]}/_clew\"\n"
              "clew completion fish > ~/.config/fish/completions/clew.fish");
  flags.argument(shell, "SHELL", "bash, zsh or fish", true);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  std::string script = shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "";
  if (script.empty()) {
    std::fprintf(stderr, "clew completion: no script for %s: bash, zsh or fish\n", shell.c_str());
    return 2;
  }
  std::string names;
  for (const Command& command : commands()) names += (names.empty() ? "" : " ") + std::string(command.name);
  constexpr std::string_view kMark = "@COMMANDS@";
  script.replace(script.find(kMark), kMark.size(), names);
  std::fputs(script.c_str(), stdout);
  return 0;
}

}  // namespace clew::app
