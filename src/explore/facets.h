// Facets: of the events that a query reads, the most frequent values of fields, and what their numbers look like.
#pragma once

#include <string>
#include <vector>

#include "explore/table.h"

namespace clew::explore {

constexpr uint32_t kFacetFieldsMax = 50;
constexpr uint32_t kFacetValuesMax = 1'000;

struct FacetValue {
  model::Value value;
  uint64_t events = 0;
};

// Of the values that are numbers; all null where none is.
struct NumberSummary {
  model::Value min;
  model::Value max;
  model::Value mean;
  model::Value sum;
  model::Value p50;
  model::Value p95;
  model::Value p99;
};

struct Facet {
  std::string field;
  uint64_t events = 0;          // that have the field
  uint64_t values = 0;          // different ones
  std::vector<FacetValue> top;  // most frequent first
  NumberSummary numbers;
  std::string problem;  // why there are no top values: more of them than a query may group
};

struct FacetRequest {
  std::vector<std::string> fields;
  uint32_t top = 10;
  uint64_t sample = 0;  // look only at so many of the newest events; 0: at all
};

struct Facets {
  uint64_t events = 0;  // looked at
  std::vector<Facet> facets;
  Cost cost;
};

// Requires: 1 to kFacetFieldsMax fields.
Answer<Facets> facets(query::Engine& engine, const Question& question, const FacetRequest& request);

}  // namespace clew::explore
