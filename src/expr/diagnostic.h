// Diagnostic: what is wrong with a query, and where. An Error says it in one line; the diagnostic lets an API point at
// the place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::expr {

// Bytes [begin, end) of the query's text.
struct SourceSpan {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Codes of docs/PPL.md section 6, as they stand in answers.
constexpr std::string_view kSyntaxError = "SYNTAX_ERROR";
constexpr std::string_view kFieldNotFound = "FIELD_NOT_FOUND";
constexpr std::string_view kTypeError = "TYPE_ERROR";
constexpr std::string_view kSemanticError = "SEMANTIC_ERROR";
constexpr std::string_view kEvaluationError = "EVALUATION_ERROR";
constexpr std::string_view kUnsupportedOperation = "UNSUPPORTED_OPERATION";
constexpr std::string_view kResourceLimitExceeded = "RESOURCE_LIMIT_EXCEEDED";

struct Diagnostic {
  std::string_view code;  // one of the constants; empty: nothing is wrong
  SourceSpan span;
  uint32_t line = 1;       // from 1
  uint32_t column = 1;     // from 1, in code points
  std::string message;     // "expected a field name"
  std::string suggestion;  // "did you mean `host.name`?", or empty
};

// Line and column of a byte offset.
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};
LineColumn locate(std::string_view text, uint32_t offset);

// "1:25: expected a field name; did you mean ...", with the Code that fits the diagnostic's code.
Error to_error(const Diagnostic& diagnostic);

// The candidate most like `name` (edit distance at most a third of its length, case ignored), or empty.
// Cost: linear in the candidates.
template <class Names>
std::string closest_name(std::string_view name, const Names& candidates);
size_t edit_distance(std::string_view a, std::string_view b, size_t max);

template <class Names>
std::string closest_name(std::string_view name, const Names& candidates) {
  size_t best = name.size() / 3 + 1;
  std::string found;
  for (const auto& candidate : candidates) {
    size_t distance = edit_distance(name, candidate, best);
    if (distance < best) {
      best = distance;
      found = std::string(candidate);
    }
  }
  return found;
}

}  // namespace clew::expr
