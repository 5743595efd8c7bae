// clew lint FILE...: says what log files lack, for people as a table, for CI by its exit code.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"
#include "collect/input_file.h"
#include "lint/lint.h"
#include "os/clock.h"

namespace clew::app {
namespace {

using lint::Rule;
using lint::RuleInfo;
using lint::RuleResult;

constexpr size_t kPlacesShown = 3;   // of a rule, for people
constexpr size_t kPlacesGiven = 20;  // the same, for programs

struct LintFlags {
  std::vector<std::string> max;
  std::string format = "auto";
  std::string zone;
  bool json = false;
  bool rules = false;
  bool schema = false;
};

using Limits = std::map<Rule, double>;

Result<double> parse_percent(std::string_view text) {
  double percent = 0;
  std::string_view digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), percent);
  bool whole = error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
  if (whole && percent >= 0 && percent <= 100) return percent;
  return Error(Code::kInvalid, clew::quoted(text) + " is no percentage from 0 to 100: write --max 5 or --max level=5");
}

// "5" holds for all rules but template, whose share is of another kind; "RULE=5" for one.
Result<Limits> limits_of(const std::vector<std::string>& texts) {
  Limits limits;
  for (const RuleInfo& info : lint::rules()) limits[info.rule] = info.limit_percent;
  for (const std::string& text : texts) {
    if (text.find('=') != std::string::npos) continue;
    double percent = CLEW_TRY(parse_percent(text));
    for (auto& [rule, limit] : limits) {
      if (rule != Rule::kTemplate) limit = percent;
    }
  }
  for (const std::string& text : texts) {
    size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    const RuleInfo* info = lint::rule_by_name(std::string_view(text).substr(0, equals));
    if (info == nullptr) {
      return Error(Code::kInvalid,
                   "no rule " + clew::quoted(text.substr(0, equals)) + ": clew lint --rules lists them");
    }
    limits[info->rule] = CLEW_TRY(parse_percent(std::string_view(text).substr(equals + 1)));
  }
  return limits;
}

Status lint_file(const std::string& path, lint::Linter& linter) {
  std::unique_ptr<collect::InputFile> file = CLEW_TRY(collect::InputFile::open(path));
  linter.begin_file(path == "-" ? "(stdin)" : path);
  Status ended;
  while (true) {
    Result<std::string_view> bytes = file->read();
    if (!bytes.ok()) ended = std::move(bytes).error().at(path);
    if (!bytes.ok() || bytes->empty()) break;
    linter.feed(*bytes);
  }
  linter.end_file();
  return ended;
}

Json example_json(const lint::Example& example) {
  return {{"file", example.file}, {"line", example.line}, {"text", example.text}};
}

Json rule_json(const RuleInfo& info, const RuleResult& result, double limit, const lint::Report& report) {
  Json out = {{"rule", info.name},           {"broken", result.broken}, {"of", result.of},
              {"percent", result.percent()}, {"limit", limit},          {"above", result.percent() > limit},
              {"broken_by", info.broken_by}, {"instead", info.instead}};
  out["examples"] = Json::array();
  for (const lint::Example& example : result.examples) out["examples"].push_back(example_json(example));
  out["places"] = Json::array();
  for (const lint::Place& place : result.places) {
    if (out["places"].size() >= kPlacesGiven) break;
    Json row = {{"file", place.file}, {"broken", place.broken}};
    if (!place.service.empty()) row["service"] = place.service;
    out["places"].push_back(std::move(row));
  }
  if (info.rule == Rule::kSecret) out["kinds"] = report.secrets;
  if (info.rule == Rule::kTemplate) {
    out["templates"] = Json::array();
    for (const lint::TemplateCount& kind : report.templates) {
      out["templates"].push_back(
          {{"template", kind.text}, {"events", kind.events}, {"example", example_json(kind.example)}});
    }
  }
  return out;
}

void print_json(const lint::Report& report, const Limits& limits, bool passed) {
  auto print = [](const Json& line) {
    std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  };
  for (const RuleInfo& info : lint::rules()) {
    print(rule_json(info, report.of(info.rule), limits.at(info.rule), report));
  }
  print({{"summary", true},
         {"files", report.files},
         {"lines", report.lines},
         {"events", report.events},
         {"bytes", report.bytes},
         {"formats", report.formats},
         {"passed", passed}});
}

std::string percent_text(double percent) {
  return percent > 0 && percent < 0.1 ? "<0.1 %" : fmt::format("{:.1f} %", percent);
}

std::string place_text(const lint::Place& place) {
  std::string service = place.service.empty() ? std::string() : " (" + place.service + ")";
  return fmt::format("{}{} {}", place.file, service, grouped(place.broken));
}

// What is worth a line of its own below a rule's.
std::vector<std::string> details_of(const RuleInfo& info, const RuleResult& result, const lint::Report& report) {
  std::vector<std::string> out;
  if (!result.examples.empty()) {
    const lint::Example& example = result.examples.front();
    out.push_back(fmt::format("{}:{}: {}", example.file, example.line, example.text));
  }
  if (info.rule == Rule::kSecret) {
    std::string kinds = "by kind:";
    for (const auto& [kind, lines] : report.secrets) kinds += fmt::format(" {} {}", kind, grouped(lines));
    out.push_back(kinds);
  }
  if (info.rule == Rule::kTemplate && !report.templates.empty()) {
    out.push_back("the message: " + report.templates.front().text);
  }
  if (result.places.size() > 1 || (info.rule == Rule::kPrint && !result.places.empty())) {
    std::string places = info.rule == Rule::kPrint ? "printed by:" : "most in:";
    for (size_t i = 0; i < result.places.size() && i < kPlacesShown; ++i) {
      places += (i == 0 ? " " : ", ") + place_text(result.places[i]);
    }
    out.push_back(places);
  }
  out.push_back("instead: " + std::string(info.instead));
  return out;
}

void print_table(const lint::Report& report, const Limits& limits, const Terminal& out) {
  auto cut = [&out](std::string text) {
    text = without_controls(text);
    return out.width != 0 && cells_of(text) > out.width ? fit(text, out.width, Align::kLeft) : text;
  };
  for (const RuleInfo& info : lint::rules()) {
    const RuleResult& result = report.of(info.rule);
    bool above = result.percent() > limits.at(info.rule);
    std::string line = fmt::format(
        "{:<11} {:>7}  {}", info.name, percent_text(result.percent()),
        result.broken == 0 ? std::string("ok")
                           : fmt::format("{} of {}: {}", grouped(result.broken), grouped(result.of), info.broken_by));
    std::printf("%s\n", painted(cut(line),
                                above                ? Color::kRed
                                : result.broken == 0 ? Color::kGreen
                                                     : Color::kNone,
                                out)
                            .c_str());
    if (!above) continue;
    for (const std::string& detail : details_of(info, result, report)) {
      std::printf("%s\n", painted(cut("  " + detail), Color::kDim, out).c_str());
    }
  }
}

void print_end(const lint::Report& report, const Limits& limits, const Terminal& out) {
  std::string names;
  for (const RuleInfo& info : lint::rules()) {
    if (report.of(info.rule).percent() <= limits.at(info.rule)) continue;
    names += (names.empty() ? "" : ", ") + std::string(info.name);
  }
  std::string files = report.files == 1 ? "1 file" : grouped(report.files) + " files";
  std::string read = fmt::format("{}, {} lines, {} events: ", files, grouped(report.lines), grouped(report.events));
  std::printf("%s%s\n", read.c_str(),
              (names.empty() ? painted("no rule is broken beyond its limit", Color::kGreen, out)
                             : painted("beyond their limits: " + names, Color::kRed, out))
                  .c_str());
}

int print_rules(const LintFlags& flags) {
  Json list = Json::array();
  for (const RuleInfo& info : lint::rules()) {
    list.push_back(
        {{"rule", info.name}, {"limit", info.limit_percent}, {"broken_by", info.broken_by}, {"instead", info.instead}});
  }
  print_list(list, {{"rule"}, {"limit", true}, {"broken_by"}, {"instead"}}, flags.json ? "ndjson" : "");
  return 0;
}

int wrong_flags(const Error& error) {
  fail("lint", error);
  return 2;
}

int run(const LintFlags& flags, const std::vector<std::string>& paths) {
  Result<Limits> limits = limits_of(flags.max);
  if (!limits.ok()) return wrong_flags(limits.error());
  lint::LintOptions options;
  Result<std::optional<process::Format>> format = process::format_by_name(flags.format);
  if (!format.ok()) return fail("lint", format.error());
  options.format = *format;
  if (!flags.zone.empty()) {
    std::optional<text::Zone> zone = text::Zone::find(flags.zone);
    if (!zone) return wrong_flags(Error(Code::kInvalid, "no time zone " + clew::quoted(flags.zone)));
    options.zone = *zone;
  }
  Result<std::shared_ptr<const process::Redactor>> redactor = process::Redactor::make({});
  if (!redactor.ok()) return fail("lint", redactor.error());
  lint::Linter linter(options, *redactor, os::make_real_clock()->now());
  int exit = 0;
  for (const std::string& path : paths) {
    Status read = lint_file(path, linter);
    if (!read.ok()) exit = fail("lint", read.error());
  }
  lint::Report report = linter.report();
  bool passed = exit == 0;
  for (const RuleInfo& info : lint::rules()) {
    passed = passed && report.of(info.rule).percent() <= limits->at(info.rule);
  }
  Terminal out = terminal_of(STDOUT_FILENO);
  if (flags.json || !out.is_terminal) {
    print_json(report, *limits, passed);
  } else {
    print_table(report, *limits, out);
    print_end(report, *limits, out);
  }
  return passed ? 0 : 1;
}

}  // namespace

int run_lint(int argc, char** argv) {
  LintFlags flags;
  std::vector<std::string> paths;
  Flags parser(
      "lint", "says what log files lack, by rule; exit code 1 where a rule is broken beyond its limit",
      "clew lint app.log\n"
      "clew lint --max 5 --max secret=0 /var/log/app/*.log*    in CI: percent of the lines that may break a rule\n"
      "kubectl logs shop | clew lint - --json | jq 'select(.above)'\n"
      "clew lint --rules                                       what is looked for\n"
      "clew lint --schema > log-line.schema.json               a format to adopt, as JSON Schema");
  parser.arguments(paths, "FILE", "files, also gzip or zstd; - is standard input", false);
  parser.texts(flags.max, "--max", "PERCENT",
               "that may break a rule: of all rules but template, or RULE=PERCENT of one");
  parser.choice(flags.format, "--format", {"auto", "ndjson", "json", "access", "syslog", "logfmt", "plain"},
                "how the lines are read; auto looks at each file");
  parser.text(flags.zone, "--zone", "ZONE", "of times that name none (default UTC)");
  parser.yes(flags.json, "--json", "one JSON object a rule, as where output is no terminal");
  parser.yes(flags.rules, "--rules", "list the rules with their limits");
  parser.yes(flags.schema, "--schema", "print the JSON Schema of a log line that breaks no rule");
  if (std::optional<int> exit = parser.parse(argc, argv)) return *exit;
  if (flags.rules) return print_rules(flags);
  if (flags.schema) {
    std::fputs(std::string(lint::format_schema()).c_str(), stdout);
    return 0;
  }
  if (paths.empty()) {
    std::fputs("clew lint: name files, or - for standard input\n", stderr);
    return 2;
  }
  return run(flags, paths);
}

}  // namespace clew::app
