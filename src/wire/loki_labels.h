// The labels of a Loki stream as its protobuf and old JSON form write them: {job="nginx", env=`prod`}.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace clew::wire {

// Values are Go's strings: "..." with its escapes, or `...` as it stands.
// Errors: kInvalid with the byte where it is no such text.
Result<std::vector<std::pair<std::string, std::string>>> parse_loki_labels(std::string_view text);

}  // namespace clew::wire
