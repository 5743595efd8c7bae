// clew alert: checks files of rules and runs their unit tests.
#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "alert/rules.h"
#include "alert/unit_tests.h"
#include "app/cmd_alert.h"
#include "app/command.h"
#include "app/flags.h"

namespace clew::app {
namespace {

int run_alert_test(int argc, char** argv) {
  std::vector<std::string> paths;
  alert::UnitTestOptions options;
  Flags flags("alert test", "runs unit tests of rules, in promtool's format",
              "clew alert test rules_test.yml\n"
              "clew alert test --run 'disk.*' tests/*.yml      only tests with such a name");
  flags.arguments(paths, "FILE", "YAML with rule_files and tests", true);
  flags.text(options.name_regex, "--run", "REGEX", "only tests whose name it matches");
  flags.yes(options.ignore_unknown, "--ignore-unknown-fields", "pass over keys that no rule has");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  uint64_t passed = 0, failed = 0;
  for (const std::string& path : paths) {
    std::printf("Unit Testing:  %s\n", path.c_str());
    Result<alert::UnitTestOutcome> outcome = alert::run_unit_tests(*disk, path, options);
    std::vector<std::string> failures;
    if (outcome.ok()) {
      passed += outcome->passed;
      failures = std::move(outcome->failures);
    } else {
      failures.push_back(outcome.error().message());
    }
    failed += failures.size();
    std::printf(failures.empty() ? "  SUCCESS\n" : "  FAILED:\n");
    for (const std::string& failure : failures) std::printf("%s\n\n", failure.c_str());
    std::printf(failures.empty() ? "\n" : "");
  }
  std::printf("%s\n", fmt::format("{} passed, {} failed", passed, failed).c_str());
  return failed == 0 ? 0 : 1;
}

// Rules that would write the same series: the last of them wins, so an answer depends on their order.
std::string duplicates_text(const std::vector<alert::RuleGroup>& groups) {
  std::map<std::pair<std::string, alert::NamedTexts>, size_t> seen;
  size_t count = 0;
  std::string lines;
  for (const alert::RuleGroup& group : groups) {
    for (const alert::Rule& rule : group.rules) {
      if (seen[{rule.name, rule.labels}]++ != 1) continue;
      ++count;
      lines += "Metric: " + rule.name + "\nLabel(s):\n";
      for (const auto& [name, value] : rule.labels) lines += "\t" + name + ": " + value + "\n";
    }
  }
  if (count == 0) return {};
  return fmt::format("{} duplicate rule(s) found.\n{}Might cause inconsistency while recording expressions\n", count,
                     lines);
}

int run_alert_check(int argc, char** argv) {
  std::vector<std::string> paths;
  alert::RuleFileOptions options;
  Flags flags("alert check", "explains the mistakes of files of rules by line",
              "clew alert check /etc/clew/rules/*.yml");
  flags.arguments(paths, "FILE", "rules in Prometheus' format", true);
  flags.yes(options.ignore_unknown, "--ignore-unknown-fields", "pass over keys that no rule has");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  bool good = true;
  for (const std::string& path : paths) {
    std::printf("Checking %s\n", path.c_str());
    Result<std::vector<alert::RuleGroup>> groups = alert::load_rule_files(*disk, {path}, options);
    if (!groups.ok()) {
      good = false;
      std::printf("  FAILED:\n%s\n\n", groups.error().message().c_str());
      continue;
    }
    size_t rules = 0;
    for (const alert::RuleGroup& group : *groups) rules += group.rules.size();
    std::printf("  SUCCESS: %zu rules found\n", rules);
    std::printf("%s\n", duplicates_text(*groups).c_str());
  }
  return good ? 0 : 1;
}

}  // namespace

int run_alert(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "";
  if (what == "test") return run_alert_test(argc - 1, argv + 1);
  if (what == "check") return run_alert_check(argc - 1, argv + 1);
  if (what == "backtest") return run_alert_backtest(argc - 1, argv + 1);
  bool help = what == "--help" || what == "-h";
  std::fputs(
      "Usage: clew alert test FILE...     runs unit tests of rules (promtool's format); exit 1 when one fails\n"
      "       clew alert check FILE...    explains the mistakes of files of rules by line\n"
      "       clew alert backtest RULE    says when a rule would have fired on stored samples\n",
      help ? stdout : stderr);
  return help ? 0 : 2;
}

}  // namespace clew::app
