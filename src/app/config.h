// The configuration file: YAML with ${ENV} substitution. Every key has a default; a mistake is named with its line.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/serve.h"
#include "logstore/manifest.h"

namespace clew::app {

struct ConfigMistake {
  uint32_t line = 0;  // begins at 1; 0 where the file as a whole is to blame
  std::string message;
};

// Gives a variable of the environment, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Sets in `options` what the text says. With mistakes the keys without one are set all the same.
std::vector<ConfigMistake> read_config(const std::string& text, const Environment& environment, ServeOptions& options);

// As read_config, of a file with the process's own environment.
// Errors: kNotFound and the like for the file; kInvalid with all mistakes, "FILE:LINE: message" a line each.
Status load_config(const std::string& path, ServeOptions& options);

// The rule of a dataset, and those below it, with what they take over from the rules above.
logstore::RetentionRule dataset_rule(const ServeOptions& options, const std::string& dataset);
std::vector<logstore::ClassRule> class_rules(const ServeOptions& options, const std::string& dataset);

// The table that reads the file and that docs/operate/configuration.md is tested against.
struct ConfigKey {
  std::string_view path;  // "retention.hot"; "*" stands for any name
  std::string_view kind;  // "size", "duration", "days", "address", "yes or no", "number", "file", "text", "list"
  std::string_view otherwise;
  std::string_view help;
};
std::vector<ConfigKey> config_keys();

// "90s", "30m", "12h", "30d", "2w"; nothing when it is no such text.
std::optional<uint64_t> parse_duration_ms(std::string_view text);
// The name of `known` that `word` is probably meant to be; empty when none is near.
std::string nearest_name(std::string_view word, std::span<const std::string> known);

}  // namespace clew::app
