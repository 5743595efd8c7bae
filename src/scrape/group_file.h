// Lists of targets in JSON or YAML, as files and HTTP services give them:
// [{"targets": ["HOST:PORT"], "labels": {"NAME": "VALUE"}}].
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "scrape/config.h"

namespace clew::scrape {

// `source` names where it comes from; groups are told apart by it and their number. Errors: kInvalid.
Result<std::vector<TargetGroup>> parse_groups(const std::string& text, const std::string& source);

}  // namespace clew::scrape
