// OTLP logs: ExportLogsServiceRequest as protobuf (HTTP and gRPC) or JSON. docs/protocols/otlp.md names the fields.
//
// For the caller, POST /v1/logs and gRPC opentelemetry.proto.collector.logs.v1.LogsService/Export:
//   Content-Type application/x-protobuf (and gRPC) -> decode_protobuf, application/json -> decode_json, else 415.
//   The header or gRPC metadata `Clew-Dataset` goes to intake.dataset after check_dataset_name (400 when bad).
//   After the write: 200 with otlp_reply() in the request's form (wire/otlp_reply.h), also when some or all records
//   were rejected (partial success) and when there was none to write. Errors, of decode or of the write: otlp_error()
//   in the request's form with net::http_status or net::grpc_status. OTLP clients repeat on 429, 502, 503 and 504
//   (gRPC: UNAVAILABLE, and RESOURCE_EXHAUSTED only with RetryInfo), never on 400. A message that decode refuses counts
//   as one received and one rejected item with Reason::kSyntax.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class OtlpLogsDecoder {
 public:
  OtlpLogsDecoder();
  ~OtlpLogsDecoder();

  // A record whose own bytes are malformed is rejected alone.
  // Errors: kInvalid, with the byte offset, when the frames around the records are malformed. Nothing is taken then.
  Result<Events> decode_protobuf(std::string_view body, const Intake& intake);

  // Field names in camelCase or snake_case; unknown ones are passed over. A record with a value of the wrong type is
  // rejected alone.
  // Errors: kInvalid, with the byte offset, for what is no JSON; with the JSON path for a wrong type outside the
  // records.
  Result<Events> decode_json(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
