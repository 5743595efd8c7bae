// A label matcher ready to run.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "contract/metric_source.h"

namespace re2 {
class RE2;
}

namespace clew::query::promql {

// Threads: matches() on any thread.
class Matcher {
 public:
  // Errors: kInvalid for a regular expression that is none.
  static Result<Matcher> make(const contract::LabelMatcher& matcher);
  bool matches(std::string_view value) const;
  const contract::LabelMatcher& of() const { return of_; }

 private:
  contract::LabelMatcher of_;
  std::shared_ptr<const re2::RE2> regex_;  // of regular expressions
};

// RE2 of a whole value: anchored, dots match newlines. Errors: kInvalid.
Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view pattern);

}  // namespace clew::query::promql
