// Columns that clew adds to events besides those of batch.h.
#pragma once

#include <string_view>

namespace clew::model {

constexpr std::string_view kErrorGroupField = "_error_group";  // kString: of an error, which ones are the same

// kInt: how many events the event stands for, where a pipeline kept one of many; 1 where it is not there.
constexpr std::string_view kWeightField = "_weight";
// kString, only in batches on their way: the line in `_raw` is still to be read, see process/sent_lines.h.
constexpr std::string_view kLineField = "_line";

// Derived when asked for: `_pattern` is the text::message_pattern of `message`, `_pattern.FIELD` of any field.
constexpr std::string_view kPatternField = "_pattern";

constexpr bool is_pattern_field(std::string_view name) {
  return name == kPatternField || (name.starts_with(kPatternField) && name.size() > kPatternField.size() + 1 &&
                                   name[kPatternField.size()] == '.');
}
// Requires: is_pattern_field(name).
constexpr std::string_view pattern_source(std::string_view name) {
  return name == kPatternField ? "message" : name.substr(kPatternField.size() + 1);
}

}  // namespace clew::model
