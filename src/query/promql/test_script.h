// Runs files of Prometheus' test language: load, eval, what is expected (docs/language/promql.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew::query::promql {

struct ScriptFailure {
  size_t line = 0;
  std::string message;
};

struct ScriptOutcome {
  uint64_t passed = 0;
  std::vector<ScriptFailure> failures;  // one per evaluation, or one that ends the file when it is not understood
};

// Every instant evaluation also runs as the middle of a range and from its printed text, and must say the same.
ScriptOutcome run_script(std::string_view text);

}  // namespace clew::query::promql
