// Traces on a terminal: the tree of goals, the waterfall, and NDJSON. Reads the JSON of docs/operate/traces.md.
#pragma once

#include <string>
#include <vector>

#include "app/client.h"
#include "app/terminal.h"

namespace clew::app {

struct TreeOptions {
  bool all = false;  // also tries that folded, and every one of many equal steps
  bool lines = true;
};

// Goals and spans with outcome and reason, log lines under the step that wrote them, in order of time.
std::string tree_text(const Json& trace, const TreeOptions& options, const Terminal& terminal);

// Steps as bars over time, then the critical path and what took longest on it.
std::string waterfall_text(const Json& trace, const Terminal& terminal);

// {"trace":{..}} and then {"step":{..}} and {"line":{..}}, one a line.
std::string trace_ndjson(const Json& trace);

}  // namespace clew::app
