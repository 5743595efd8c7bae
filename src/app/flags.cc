#include "app/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>

namespace clew::app {

struct Flags::State {
  CLI::App app;
};

Flags::Flags(const std::string& command, const std::string& summary, const std::string& examples)
    : state_(std::make_unique<State>()) {
  state_->app.name("clew " + command);
  state_->app.description(summary);
  state_->app.footer("Examples:\n  " + [&] {
    std::string indented;
    for (char c : examples) indented += c == '\n' ? std::string("\n  ") : std::string(1, c);
    return indented;
  }());
  state_->app.get_formatter()->column_width(34);
  state_->app.failure_message([](const CLI::App* app, const CLI::Error& error) {
    return app->get_name() + ": " + error.what() + "\n`" + app->get_name() + " --help` shows flags and examples.\n";
  });
}

Flags::~Flags() = default;

void Flags::text(std::string& to, const std::string& name, const std::string& metavar, const std::string& help) {
  state_->app.add_option(name, to, help)->type_name(metavar)->take_last()->capture_default_str();
}

void Flags::text_or_env(std::string& to, const std::string& name, const std::string& env, const std::string& metavar,
                        const std::string& help) {
  state_->app.add_option(name, to, help)->type_name(metavar)->take_last()->envname(env)->capture_default_str();
}

void Flags::choice(std::string& to, const std::string& name, const std::vector<std::string>& allowed,
                   const std::string& help) {
  state_->app.add_option(name, to, help)->take_last()->check(CLI::IsMember(allowed))->capture_default_str();
}

void Flags::number(uint64_t& to, const std::string& name, const std::string& metavar, const std::string& help) {
  state_->app.add_option(name, to, help)->type_name(metavar)->take_last()->capture_default_str();
}

void Flags::number_or_unset(uint64_t& to, const std::string& name, const std::string& metavar,
                            const std::string& help) {
  state_->app.add_option(name, to, help)->type_name(metavar);
}

void Flags::bytes(uint64_t& to, const std::string& name, const std::string& help) {
  auto take = [&to](const std::string& text) {
    std::optional<uint64_t> value = parse_bytes(text);
    if (value) to = *value;
    return value.has_value();
  };
  auto check = [](const std::string& text) {
    return parse_bytes(text) ? std::string() : text + " is no number of bytes: write 512MiB, 2GB or 4096";
  };
  state_->app
      .add_option_function<std::string>(
          name, [take](const std::string& text) { take(text); }, help)
      ->type_name("BYTES")
      ->take_last()
      ->check(check);
}

void Flags::yes(bool& to, const std::string& name, const std::string& help) { state_->app.add_flag(name, to, help); }

void Flags::texts(std::vector<std::string>& to, const std::string& name, const std::string& metavar,
                  const std::string& help) {
  // One value each time: what follows is the command's arguments.
  state_->app.add_option(name, to, help)->type_name(metavar)->take_all()->allow_extra_args(false);
}

void Flags::argument(std::string& to, const std::string& name, const std::string& help, bool required) {
  state_->app.add_option(name, to, help)->type_name("")->required(required);
}

void Flags::arguments(std::vector<std::string>& to, const std::string& name, const std::string& help, bool required) {
  state_->app.add_option(name, to, help)->type_name("")->required(required);
}

std::optional<int> Flags::parse(int argc, char** argv) {
  try {
    state_->app.parse(argc, argv);
  } catch (const CLI::Error& error) {
    int code = state_->app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return std::nullopt;
}

std::optional<uint64_t> parse_bytes(const std::string& text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string unit(end, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
  struct Unit {
    const char* name;
    uint64_t bytes;
  };
  constexpr Unit kUnits[] = {{"", 1},
                             {"b", 1},
                             {"k", 1000},
                             {"kb", 1000},
                             {"kib", 1ull << 10},
                             {"m", 1000'000},
                             {"mb", 1000'000},
                             {"mib", 1ull << 20},
                             {"g", 1000'000'000},
                             {"gb", 1000'000'000},
                             {"gib", 1ull << 30},
                             {"tb", 1000'000'000'000},
                             {"tib", 1ull << 40}};
  for (const Unit& known : kUnits) {
    if (unit == known.name && value <= UINT64_MAX / known.bytes) return value * known.bytes;
  }
  return std::nullopt;
}

}  // namespace clew::app
