// Flags of a subcommand. CLI11 stays inside the .cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace clew::app {

// Declare what a command takes, then parse. Values keep their defaults when not given; `to` outlives the Flags.
//
//   Flags flags("query", "asks a PPL question", "clew query 'level=error | stats count() by service.name'");
//   flags.text(since, "--since", "15m, 2h, 7d ...", "only events younger than this");
//   if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
class Flags {
 public:
  // `examples`: one or more lines, shown under --help.
  Flags(const std::string& command, const std::string& summary, const std::string& examples);
  ~Flags();

  void text(std::string& to, const std::string& name, const std::string& metavar, const std::string& help);
  // Takes the value from the environment variable when the flag is not given.
  void text_or_env(std::string& to, const std::string& name, const std::string& env, const std::string& metavar,
                   const std::string& help);
  void choice(std::string& to, const std::string& name, const std::vector<std::string>& allowed,
              const std::string& help);
  void number(uint64_t& to, const std::string& name, const std::string& metavar, const std::string& help);
  // As number(), with no default shown: `to` says by its own value that none was given.
  void number_or_unset(uint64_t& to, const std::string& name, const std::string& metavar, const std::string& help);
  // 512MiB, 2GB, 4096: bytes.
  void bytes(uint64_t& to, const std::string& name, const std::string& help);
  void yes(bool& to, const std::string& name, const std::string& help);
  void texts(std::vector<std::string>& to, const std::string& name, const std::string& metavar,
             const std::string& help);
  // Arguments without a flag.
  void argument(std::string& to, const std::string& name, const std::string& help, bool required);
  void arguments(std::vector<std::string>& to, const std::string& name, const std::string& help, bool required);

  // argv[0] is the command's name. Gives the exit code when the command is to end here: 0 after --help, 2 for a wrong
  // command line, with the reason and the usage on stderr.
  std::optional<int> parse(int argc, char** argv);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "512MiB", "2GB", "10k", "4096". Nothing when it is no such text.
std::optional<uint64_t> parse_bytes(const std::string& text);

}  // namespace clew::app
