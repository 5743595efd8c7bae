// Text to tree, with its types checked.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "query/promql/ast.h"

namespace clew::query::promql {

constexpr size_t kQueryBytesMax = 1 << 20;
constexpr uint32_t kDepthMax = 500;  // of brackets and of the tree

struct ParseOptions {
  bool experimental_functions = true;
  bool duration_expressions = true;
  bool extended_range_selectors = false;  // smoothed, anchored
  bool fill_modifiers = true;
};

struct ParseFailure {
  Span span;
  std::string message;  // without the place
};

// Errors: kInvalid "LINE:COLUMN: parse error: WHAT", kTooLarge over a limit. `failure` tells the same in parts.
Result<ExprPtr> parse(std::string_view text, const ParseOptions& options, ParseFailure* failure = nullptr);

// A selector alone, as matchers of series APIs have it: `up{job="a"}`.
Result<std::vector<contract::LabelMatcher>> parse_selector(std::string_view text);

}  // namespace clew::query::promql
