// Unit tests of rules, in promtool's format: series as they would come, and what rules and queries are to say at times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/disk.h"

namespace clew::alert {

struct UnitTestOptions {
  bool ignore_unknown = false;  // keys that no rule has are passed over
  std::string name_regex;       // only tests with such a name; empty: all
};

struct UnitTestOutcome {
  uint64_t passed = 0;                // expectations that hold
  std::vector<std::string> failures;  // one each, as promtool prints it
};

// Runs the tests of a file, each in a memory of its own. Errors: kInvalid with what is wrong in it or in a file of
// rules that it names, "FILE:LINE: message" a line each; kNotFound, kIo.
Result<UnitTestOutcome> run_unit_tests(os::Disk& disk, const std::string& path, const UnitTestOptions& options);

}  // namespace clew::alert
