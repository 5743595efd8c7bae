// Completions where a cursor stands: commands, functions, datasets, fields with types, values with counts.
#pragma once

#include <string>
#include <vector>

#include "contract/event_source.h"
#include "explore/table.h"

namespace clew::explore {

constexpr uint32_t kCompletionsMax = 50;

struct Completion {
  std::string text;     // to stand in the place of what is begun
  std::string kind;     // "command", "function", "aggregate", "dataset", "field", "value"
  std::string detail;   // a command's help, a field's types
  uint64_t events = 0;  // of values, in the newest events
};

struct Completions {
  uint32_t begin = 0;  // bytes of the text that a completion takes the place of
  uint32_t end = 0;
  std::vector<Completion> items;  // best first
};

// Question::query is the text, right or wrong. Requires: cursor <= its size.
Completions complete(query::Engine& engine, contract::EventSource& source, const Question& question, uint32_t cursor);

}  // namespace clew::explore
