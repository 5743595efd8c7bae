// The keys of pipelines, and who uses them.
#include <fmt/format.h>

#include "app/config_keys.h"
#include "app/pipelines.h"
#include "os/clock.h"

namespace clew::app {
namespace {

const ConfigEntry kEntries[] = {
    {{"pipelines.*", "processors", "none",
      "A list of processors that events pass in order; docs/operate/pipelines.md."},
     nullptr,
     [](ServeOptions& o, const ConfigNames& n, yaml::Tree tree) { o.pipelines[n[0]] = std::move(tree); }},
    {{"tests", "cases", "none", "What `clew pipeline test` runs; servers and agents leave it alone."},
     nullptr,
     [](ServeOptions&, const ConfigNames&, yaml::Tree) {}},
    {{"datasets.*.pipeline", "name", "none", "The pipeline that the server runs on what arrives for the dataset."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       o.dataset_pipelines[n[0]] = text;
       return Status();
     }},
};

void check_name(const std::string& where, const std::string& name, const ServeOptions& options,
                std::vector<ConfigMistake>& mistakes) {
  if (name.empty() || options.pipelines.contains(name)) return;
  std::vector<std::string> known;
  for (const auto& [one, tree] : options.pipelines) known.push_back(one);
  std::string near = nearest_name(name, known);
  std::string hint = near.empty() ? fmt::format("write pipelines: {{{}: [...]}}", name) : "did you mean " + near + "?";
  mistakes.push_back({0, fmt::format("{}: there is no pipeline {}; {}", where, name, hint)});
}

}  // namespace

std::span<const ConfigEntry> pipeline_keys() { return kEntries; }

void check_pipelines(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  pipeline::Surroundings around;
  around.clock = clock.get();
  yaml::Mistakes wrong;
  for (const auto& [name, tree] : options.pipelines) (void)pipeline::Pipeline::make(name, tree, around, wrong);
  for (yaml::Mistake& one : wrong) mistakes.push_back({one.line, std::move(one.message)});
  for (const auto& [name, source] : options.agent.sources) {
    check_name(fmt::format("sources.{}.pipeline", name), source.pipeline, options, mistakes);
  }
  for (const auto& [dataset, name] : options.dataset_pipelines) {
    check_name(fmt::format("datasets.{}.pipeline", dataset), name, options, mistakes);
  }
}

}  // namespace clew::app
