#include "app/pipelines.h"

#include <fmt/format.h>

#include <filesystem>

namespace clew::app {

Result<pipeline::PipelinePtr> make_pipeline(const std::string& name, const std::map<std::string, yaml::Tree>& trees,
                                            const pipeline::Surroundings& around) {
  auto tree = trees.find(name);
  if (tree == trees.end()) {
    return Error(Code::kInvalid, fmt::format("there is no pipeline {}: write pipelines: {{{}: [...]}}", name, name));
  }
  yaml::Mistakes mistakes;
  pipeline::PipelinePtr made = pipeline::Pipeline::make(name, tree->second, around, mistakes);
  if (made != nullptr) return made;
  std::string lines;
  for (const yaml::Mistake& mistake : mistakes) {
    lines += fmt::format("{}line {}: {}", lines.empty() ? "" : "\n", mistake.line, mistake.message);
  }
  return Error(Code::kInvalid, std::move(lines));
}

geo::SourceFiles geo_source_files(const std::map<std::string, std::string>& named) {
  std::error_code failed;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  std::filesystem::path share = program.parent_path().parent_path() / "share" / "clew";
  return {.bundled = (share / "country.mmdb").string(), .named = named};
}

}  // namespace clew::app
