// clew pipeline: tests pipelines, and shows what a line becomes step by step.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "app/command.h"
#include "app/config.h"
#include "app/flags.h"
#include "app/pipelines.h"
#include "os/clock.h"
#include "os/disk.h"
#include "pipeline/cases.h"
#include "text/grok.h"

namespace clew::app {
namespace {

constexpr uint64_t kFileBytesMax = 16u << 20;

int failed(const std::string& message) {
  std::fprintf(stderr, "clew pipeline: %s\n", message.c_str());
  return 1;
}

Result<yaml::Tree> read_yaml(os::Disk& disk, const std::string& path) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  if (bytes > kFileBytesMax) return Error(Code::kTooLarge, path + ": over 16 MiB");
  std::string text = CLEW_TRY(file->read_at(0, bytes));
  yaml::Mistakes mistakes;
  yaml::Tree tree = yaml::parse_yaml(text, mistakes);
  if (mistakes.empty()) return tree;
  return Error(Code::kInvalid, fmt::format("{}:{}: {}", path, mistakes[0].line, mistakes[0].message));
}

std::string lines_of(const std::string& path, const yaml::Mistakes& mistakes) {
  std::string out;
  for (const yaml::Mistake& one : mistakes) {
    out += fmt::format("{}{}:{}: {}", out.empty() ? "" : "\n", path, one.line, one.message);
  }
  return out;
}

// What pipelines of a command are made with: no server, no counters.
struct Bench {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  geo::Sources geo{*disk};
  std::map<std::string, yaml::Tree> trees;
  std::map<std::string, pipeline::PipelinePtr> made;

  // Pipelines of a file, and of the configuration that it names under `config`.
  Status read(const std::string& path, const yaml::Tree& file) {
    if (!file.is_map()) return Error(Code::kInvalid, path + ": expected keys and values");
    if (const yaml::Tree* other = file.find("config"); other != nullptr && other->is_text()) {
      std::string beside = (std::filesystem::path(path).parent_path() / other->text).string();
      yaml::Tree config = CLEW_TRY(read_yaml(*disk, beside));
      CLEW_TRY(read(beside, config));
    }
    const yaml::Tree* all = file.find("pipelines");
    for (size_t i = 0; all != nullptr && i < all->members.size(); ++i) {
      trees[all->members[i].first.text] = all->members[i].second;
      where[all->members[i].first.text] = path;
    }
    std::map<std::string, std::string> named;
    if (const yaml::Tree* geoip = file.find("geoip"); geoip != nullptr && geoip->find("path") != nullptr) {
      named[std::string(geo::kConfiguredSource)] = geoip->find("path")->text;
    }
    return geo.set(geo_source_files(named));
  }
  Result<pipeline::PipelinePtr> find(const std::string& name) {
    if (made.contains(name)) return made[name];
    pipeline::Surroundings around{
        .geo = &geo, .metrics = nullptr, .clock = clock.get(), .zone = {}, .host = pipeline::read_host_facts()};
    auto tree = trees.find(name);
    if (tree == trees.end()) {
      std::vector<std::string> known;
      for (const auto& [one, steps] : trees) known.push_back(one);
      std::string near = nearest_name(name, known);
      return Error(Code::kNotFound, fmt::format("there is no pipeline {}{}", name,
                                                near.empty() ? fmt::format("; there are: {}", fmt::join(known, ", "))
                                                             : "; did you mean " + near + "?"));
    }
    yaml::Mistakes mistakes;
    pipeline::PipelinePtr one = pipeline::Pipeline::make(name, tree->second, around, mistakes);
    if (one == nullptr) return Error(Code::kInvalid, lines_of(where[name], mistakes));
    made[name] = one;
    return one;
  }
  std::map<std::string, std::string> where;  // the file of each
};

int run_tests(int argc, char** argv) {
  std::vector<std::string> paths;
  bool verbose = false;
  Flags flags("pipeline test", "runs the cases of a file, without a server",
              "clew pipeline test agent.yaml              pipelines and tests in one file\n"
              "clew pipeline test shop_tests.yaml         with config: agent.yaml, which has the pipelines");
  flags.arguments(paths, "FILE", "YAML with tests: [{pipeline, input, expect}]", true);
  flags.yes(verbose, "--verbose", "name also the cases that pass");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  size_t passed = 0;
  size_t wrong = 0;
  for (const std::string& path : paths) {
    Bench bench;
    Result<yaml::Tree> file = read_yaml(*bench.disk, path);
    if (!file.ok()) return failed(file.error().message());
    Status read = bench.read(path, *file);
    if (!read.ok()) return failed(read.error().message());
    yaml::Mistakes mistakes;
    std::vector<pipeline::Case> cases = pipeline::read_cases(*file, mistakes);
    if (!mistakes.empty()) return failed(lines_of(path, mistakes));
    for (const pipeline::Case& test : cases) {
      Result<pipeline::PipelinePtr> found = bench.find(test.pipeline);
      if (!found.ok()) return failed(found.error().message());
      pipeline::LineRun run(*found, test.format, *bench.clock);
      std::vector<std::string> lines = pipeline::difference(test, run.run(test.input));
      lines.empty() ? ++passed : ++wrong;
      if (lines.empty() && verbose) std::printf("ok   %s\n", test.name.c_str());
      if (lines.empty()) continue;
      std::printf("FAIL %s (%s:%u, pipeline %s)\n", test.name.c_str(), path.c_str(), test.line, test.pipeline.c_str());
      for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    }
  }
  std::printf("%zu passed, %zu failed\n", passed, wrong);
  return wrong == 0 ? 0 : 1;
}

// What a step changed of an event.
void print_changes(const pipeline::EventText& before, const pipeline::EventText& after) {
  for (const auto& [name, value] : after) {
    auto old = before.find(name);
    if (old == before.end())
      std::printf("    + %s: %s\n", name.c_str(), value.c_str());
    else if (old->second != value)
      std::printf("    ~ %s: %s\n", name.c_str(), value.c_str());
  }
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) std::printf("    - %s\n", name.c_str());
  }
}

void print_event(const pipeline::EventText& event) {
  std::string out = "{";
  for (const auto& [name, value] : event) {
    std::string key;
    if (name == "_raw") continue;
    out += fmt::format("{}\"{}\":{}", out.size() > 1 ? "," : "", name, value);
  }
  std::printf("%s}\n", out.c_str());
}

int run_try(int argc, char** argv) {
  std::vector<std::string> arguments;
  std::string config;
  std::string steps;
  std::string format;
  bool quiet = false;
  Flags flags("pipeline try", "shows what lines become, step by step",
              "clew pipeline try --config agent.yaml shop '10.1.2.3 GET /cart 404'\n"
              "clew pipeline try --steps '- logfmt: {}' 'level=info msg=ready'\n"
              "tail -n 100 app.log | clew pipeline try --quiet --config agent.yaml shop   one JSON line per event");
  flags.arguments(arguments, "[PIPELINE] LINE", "the pipeline, then lines; without lines standard input", false);
  flags.text(config, "--config", "FILE", "where the pipelines are");
  flags.text(steps, "--steps", "YAML", "the steps themselves, instead of a pipeline of the configuration");
  flags.text(format, "--format", "FORMAT", "of the lines, instead of what the pipeline asks for");
  flags.yes(quiet, "--quiet", "only what comes out");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  Bench bench;
  std::string name = "try";
  if (!steps.empty()) {
    yaml::Mistakes mistakes;
    bench.trees[name] = yaml::parse_yaml(steps, mistakes);
    bench.where[name] = "--steps";
    if (!mistakes.empty()) return failed(lines_of("--steps", mistakes));
    Status geo = bench.geo.set(geo_source_files({}));
    if (!geo.ok()) return failed(geo.error().message());
  } else {
    if (config.empty() || arguments.empty())
      return failed("name a configuration and a pipeline: --config FILE PIPELINE");
    Result<yaml::Tree> file = read_yaml(*bench.disk, config);
    if (!file.ok()) return failed(file.error().message());
    Status read = bench.read(config, *file);
    if (!read.ok()) return failed(read.error().message());
    name = arguments[0];
    arguments.erase(arguments.begin());
  }
  std::optional<process::Format> wanted;
  if (!format.empty()) {
    Result<std::optional<process::Format>> known = process::format_by_name(format);
    if (!known.ok()) return failed(known.error().message());
    wanted = *known;
  }
  Result<pipeline::PipelinePtr> found = bench.find(name);
  if (!found.ok()) return failed(found.error().message());
  bool piped = arguments.empty();
  for (std::string line; piped && std::getline(std::cin, line);) arguments.push_back(line);
  pipeline::LineRun run(*found, wanted, *bench.clock);
  if (quiet) {
    for (const pipeline::EventText& event : run.run(arguments)) print_event(event);
    return 0;
  }
  for (const std::string& one : arguments) {
    std::printf("%s\n", one.c_str());
    pipeline::EventText before;
    auto watch = [&](size_t step, pipeline::Rows& batch, const pipeline::StepCounts& counts) {
      bool there = !batch.left().empty();
      std::string note = counts.failed > 0 ? "  failed: the event goes on as it was, flagged parse_error" : "";
      if (counts.merged > 0) note += "  merged into others";
      if (!there) note = counts.dropped > 0 ? "  dropped" : "  (dropped before)";
      std::printf("  %s%s\n", (*found)->step_name(step).c_str(), note.c_str());
      if (!there) return;
      pipeline::EventText after = pipeline::event_text(batch, batch.left()[0]);
      print_changes(before, after);
      before = std::move(after);
    };
    for (const pipeline::EventText& event : run.run({one}, watch)) print_event(event);
  }
  return 0;
}

int run_processors() {
  for (const pipeline::StepKind& kind : pipeline::step_kinds()) {
    std::printf("%-14s %s\n", std::string(kind.name).c_str(), std::string(kind.example.substr(6)).c_str());
  }
  return 0;
}

int run_parts() {
  for (std::string_view part : text::grok_part_names()) {
    std::printf("%-24s %s\n", std::string(part).c_str(), std::string(text::grok_part(part)).c_str());
  }
  return 0;
}

}  // namespace

int run_pipeline(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "";
  if (what == "test") return run_tests(argc - 1, argv + 1);
  if (what == "try") return run_try(argc - 1, argv + 1);
  if (what == "processors") return run_processors();
  if (what == "parts") return run_parts();
  bool help = what == "--help" || what == "-h";
  std::fputs(
      "Usage: clew pipeline test FILE...            runs the cases of a file; exit 1 when one fails\n"
      "       clew pipeline try --config FILE PIPELINE LINE...   shows what a line becomes step by step\n"
      "       clew pipeline processors              lists the processors, each with an example\n"
      "       clew pipeline parts                   lists the parts of grok patterns\n",
      help ? stdout : stderr);
  return help ? 0 : 2;
}

}  // namespace clew::app
