// Zipkin v2 spans, JSON or protobuf. docs/protocols/zipkin.md says what becomes of each field.
//
// For the caller, POST /api/v2/spans (and /zipkin/api/v2/spans):
//   Content-Type application/x-protobuf -> decode_protobuf, everything else -> decode_json.
//   After the write: 202 without a body, also when there was no span. When spans were rejected: 202 if any was taken,
//   400 with zipkin_reply() as text/plain if none was. Errors: net::http_status with the message as text/plain. Spans
//   always go to the dataset `traces`; intake.dataset is not used.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class ZipkinDecoder {
 public:
  ZipkinDecoder();
  ~ZipkinDecoder();

  // An array of spans. A span without ids or with a value of the wrong type is rejected alone.
  // Errors: kInvalid, with the byte offset, for what is no JSON array.
  Result<Events> decode_json(std::string_view body, const Intake& intake);

  // zipkin.proto3.ListOfSpans.
  // Errors: kInvalid, with the byte offset, when its frames are malformed.
  Result<Events> decode_protobuf(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The text that says what was rejected and why.
std::string zipkin_reply(const Events& events);

}  // namespace clew::wire
