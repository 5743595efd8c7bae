// Pipelines as the configuration names them, ready to run.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "geo/sources.h"
#include "pipeline/pipeline.h"

namespace clew::app {

// Errors: kInvalid when there is no pipeline of that name, or with all that is wrong with it.
Result<pipeline::PipelinePtr> make_pipeline(const std::string& name, const std::map<std::string, yaml::Tree>& trees,
                                            const pipeline::Surroundings& around);

// Where the MMDB files of geoip are: that of clew beside the program, and those of the configuration.
geo::SourceFiles geo_source_files(const std::map<std::string, std::string>& named);

}  // namespace clew::app
