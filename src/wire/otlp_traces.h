// OTLP spans: ExportTraceServiceRequest as protobuf (HTTP and gRPC) or JSON. docs/protocols/otlp.md names the fields.
//
// For the caller, POST /v1/traces and gRPC opentelemetry.proto.collector.trace.v1.TraceService/Export: as for logs
// (wire/otlp_logs.h), with OtlpSignal::kSpans for the reply. Spans always go to the dataset `traces`; intake.dataset is
// not used.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class OtlpTracesDecoder {
 public:
  OtlpTracesDecoder();
  ~OtlpTracesDecoder();

  // Errors: as OtlpLogsDecoder's.
  Result<Events> decode_protobuf(std::string_view body, const Intake& intake);
  Result<Events> decode_json(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
