// Templates of labels and annotations, in the language that Prometheus' rules use (Go's text/template with functions).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alert/running_rule.h"
#include "base/result.h"
#include "model/labels.h"

namespace clew::alert {

constexpr size_t kExpandedBytesMax = 1u << 20;
constexpr uint64_t kTemplateStepsMax = 100'000;

// What a template sees. Lifetime: `ask` and `externals` outlive the call; without `ask` query() is an error.
struct Surroundings {
  model::LabelsView labels;  // $labels
  double value = 0;          // $value
  int64_t at_millis = 0;
  const Ask* ask = nullptr;
  const Externals* externals = nullptr;
};

// Errors: kInvalid "template:LINE: what is wrong"; kLimit over the bounds above; what query() says.
Result<std::string> expand(std::string_view text, const Surroundings& around);
// The text, or where it cannot be expanded "<error expanding template: WHY>", so that an alert is never lost by it.
std::string expand_or_error(std::string_view text, const Surroundings& around);
// Whether the text can be read. Errors: kInvalid.
Status check_template(std::string_view text);

}  // namespace clew::alert
