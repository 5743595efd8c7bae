// The JSON form of OTLP's export requests, as tables for JsonToProto.
#pragma once

#include "wire/json_to_proto.h"

namespace clew::wire {

const JsonMessage& otlp_logs_schema();    // ExportLogsServiceRequest
const JsonMessage& otlp_traces_schema();  // ExportTraceServiceRequest

}  // namespace clew::wire
