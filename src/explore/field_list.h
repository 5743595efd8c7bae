// The fields of the events that a query reads: names and types from the catalogue, how often from a sample.
#pragma once

#include <string>
#include <vector>

#include "contract/event_source.h"
#include "explore/table.h"

namespace clew::explore {

constexpr uint64_t kFieldSampleMax = 10'000;

struct FieldListRequest {
  std::string words;        // only names in which each of these words stands, any case: "geo dest"
  uint64_t sample = 1'000;  // of the newest events; 0: none, names only
  uint32_t limit = 1'000;   // of names
};

struct ListedField {
  std::string name;
  std::vector<model::Type> types;  // most frequent first
  std::vector<std::string> datasets;
  int64_t first_seen = 0;
  int64_t last_seen = 0;
  uint64_t events = 0;  // of the sample that have it
};

struct FieldList {
  std::vector<ListedField> fields;  // most frequent first, then by name
  uint64_t names = 0;               // that fit the words, before the limit
  uint64_t sample = 0;              // events looked at
  Cost cost;
};

Answer<FieldList> field_list(query::Engine& engine, contract::EventSource& source, const Question& question,
                             const FieldListRequest& request);

// True when every word of `words` stands in `name`, without regard to case.
bool has_words(std::string_view name, std::string_view words);

}  // namespace clew::explore
