// Traces as the JSON of /clew/v1 (docs/operate/traces.md).
#pragma once

#include <string>

#include "trace/trace.h"

namespace clew::api {

struct TraceJsonOptions {
  bool lines = true;
  bool attributes = false;  // of steps, and of lines
};

// One object on one line: the whole trace, steps in the order of the tree.
void append_trace_json(const trace::Trace& trace, TraceJsonOptions options, std::string& out);

// Step indices so that a step comes before its children, siblings by start; and where each step then stands.
struct TreeOrder {
  std::vector<uint32_t> steps;
  std::vector<uint32_t> place;  // by step
  std::vector<uint32_t> depth;  // by step
};
TreeOrder tree_order(const trace::Trace& trace);

}  // namespace clew::api
