// Names of datasets, and which dataset an Elasticsearch index name means (DESIGN.md section 2).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::wire {

constexpr size_t kDatasetNameBytesMax = 255;

// The name without a trailing date or counter: logs-2026.11.20 -> logs, filebeat-8.1.0-2026.11.20-000001 ->
// filebeat-8.1.0. Gives the name itself when nothing would be left.
std::string_view dataset_of_index(std::string_view index);

// 1 to 255 bytes of lower-case letters, digits and `. _ - +` and other characters that no shell, path or pattern uses;
// does not begin with `_`, `-` or `+`.
// Errors: kInvalid saying what is wrong; kForbidden for `clew` and `audit`, which no client writes to.
Status check_dataset_name(std::string_view name);

}  // namespace clew::wire
