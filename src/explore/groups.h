// Events in groups of the same kind: errors by their fingerprint, messages by their shape.
#pragma once

#include <string>
#include <vector>

#include "explore/table.h"

namespace clew::explore {

constexpr uint32_t kGroupsMax = 1'000;

struct ErrorGroup {
  std::string fingerprint;
  model::Value type;
  model::Value message;  // of the newest
  uint64_t events = 0;
  model::Value first_seen;
  model::Value last_seen;
  model::Value services;  // an array
};

struct ErrorGroups {
  uint64_t events = 0;             // errors in all
  std::vector<ErrorGroup> groups;  // most events first
  Cost cost;
};

Answer<ErrorGroups> error_groups(query::Engine& engine, const Question& question, uint32_t top);

struct Pattern {
  std::string shape;
  uint64_t events = 0;
  model::Value first_seen;
  model::Value last_seen;
  std::vector<std::string> samples;  // a few of its newest texts
};

struct Patterns {
  uint64_t events = 0;            // with the field
  uint64_t shapes = 0;            // different ones
  std::vector<Pattern> patterns;  // most events first
  Cost cost;
};

// Groups the events by `_pattern.FIELD`, of `message` by `_pattern` (model/own_fields.h).
Answer<Patterns> patterns(query::Engine& engine, const Question& question, const std::string& field, uint32_t top);

}  // namespace clew::explore
