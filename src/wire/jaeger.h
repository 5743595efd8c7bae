// Spans as Jaeger's clients send them. docs/protocols/jaeger.md says what becomes of each field.
//
// For the caller:
//   POST /api/traces?format=jaeger.thrift, a Batch in Thrift's binary form -> decode_batch(kBinary); 202 without a
//   body. UDP, one datagram: the call emitBatch in the compact or binary form -> decode_packet; no answer. gRPC
//   jaeger.api_v2.CollectorService/PostSpans -> decode_protobuf; an empty message answers. Spans always go to the
//   dataset `traces`; intake.dataset is not used.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"
#include "wire/thrift.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class JaegerDecoder {
 public:
  JaegerDecoder();
  ~JaegerDecoder();

  // Errors of all: kInvalid, with the byte offset, when the frames are malformed. A span without ids is rejected alone.
  Result<Events> decode_batch(std::string_view body, ThriftForm form, const Intake& intake);
  // Errors: also kUnsupported for another call than emitBatch.
  Result<Events> decode_packet(std::string_view packet, const Intake& intake);
  Result<Events> decode_protobuf(std::string_view body, const Intake& intake);
  // What Jaeger's UI saves and its query API gives: {"data":[trace, ..]}, [trace, ..] or a trace.
  Result<Events> decode_json(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
