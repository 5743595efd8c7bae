// Traces in the JSON of Jaeger's query service.
#pragma once

#include <string>
#include <vector>

#include "trace/trace.h"

namespace clew::api {

class JsonWriter;

// One trace: {"traceID","spans","processes","warnings"}. Log lines stand among the logs of their span.
// Requires: loaded with attributes.
void append_jaeger_trace(const trace::Trace& trace, JsonWriter& json);

}  // namespace clew::api
