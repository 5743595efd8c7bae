// The JSON form of OTLP's export requests: tables for JsonToProto, and one way to decode it for logs and traces alike.
#pragma once

#include <string_view>

#include "base/result.h"
#include "wire/intake.h"
#include "wire/json_to_proto.h"

namespace clew::wire {

const JsonMessage& otlp_logs_schema();     // ExportLogsServiceRequest
const JsonMessage& otlp_traces_schema();   // ExportTraceServiceRequest
const JsonMessage& otlp_metrics_schema();  // ExportMetricsServiceRequest

// What all three have in common.
extern const JsonMessage kOtlpKeyValue;
extern const JsonMessage kOtlpResource;
extern const JsonMessage kOtlpScope;

// Turns the JSON into protobuf and reads that. `state` has `json`, a JsonToProto, and `decode`, which reads protobuf.
// Errors: what either gives.
template <class State>
Result<Events> decode_otlp_json(State& state, const JsonMessage& schema, std::string_view body, const Intake& intake) {
  CLEW_TRY(state.json.convert(body, schema));
  Events events = CLEW_TRY(state.decode(state.json.bytes(), intake));
  state.json.add_rejections(events);
  state.json.release();
  return events;
}

}  // namespace clew::wire
