// Every processor there is.
#include "pipeline/step.h"

namespace clew::pipeline {

std::span<const StepKind> step_kinds() {
  static const std::vector<StepKind> kAll = [] {
    std::vector<StepKind> all;
    for (std::span<const StepKind> family : {line_steps(), pattern_steps(), pair_steps(), field_steps(), text_steps(),
                                             time_steps(), enrich_steps(), reduce_steps(), route_steps()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return kAll;
}

}  // namespace clew::pipeline
