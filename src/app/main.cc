// clew COMMAND [FLAGS]: finds the command and runs it.
#include <cstdio>
#include <string>
#include <string_view>

#include "app/command.h"
#include "query/language.h"

namespace clew::app {
namespace {

void print_usage(std::FILE* to) {
  std::fputs("usage: clew COMMAND [FLAGS]\n\nCommands:\n", to);
  for (const Command& command : commands()) {
    std::fprintf(to, "  %-12.*s %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
                 static_cast<int>(command.summary.size()), command.summary.data());
  }
  std::fputs("\n`clew COMMAND --help` shows a command's flags and examples.\n", to);
}

const Command* find_command(std::string_view name) {
  for (const Command& command : commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// `clew help query TOPIC`, `clew query --help TOPIC`: the language reference.
int print_language(std::string_view topic) {
  std::string text = query::language_help(topic);
  if (text.empty()) {
    std::fprintf(stderr, "clew: the language reference says nothing about %.*s\n", static_cast<int>(topic.size()),
                 topic.data());
    return 1;
  }
  std::fputs(text.c_str(), stdout);
  return 0;
}

int run_main(int argc, char** argv) {
  std::string_view name = argc > 1 ? argv[1] : "";
  bool topic = argc > 3 && ((name == "help" && std::string_view(argv[2]) == "query") ||
                            (name == "query" && std::string_view(argv[2]) == "--help"));
  if (topic) return print_language(argv[3]);
  if (name == "help" && argc > 2) {
    std::string help = "--help";
    char* as_flag[] = {argv[2], help.data(), nullptr};
    if (const Command* command = find_command(argv[2])) return command->run(2, as_flag);
  }
  if (name == "--help" || name == "-h" || name == "help") {
    print_usage(stdout);
    return 0;
  }
  if (name == "--version") name = "version";
  if (const Command* command = find_command(name)) return command->run(argc - 1, argv + 1);
  if (!name.empty()) std::fprintf(stderr, "clew: no command %s\n\n", argv[1]);
  print_usage(stderr);
  return 2;
}

}  // namespace
}  // namespace clew::app

int main(int argc, char** argv) { return clew::app::run_main(argc, argv); }
