// Logs as Datadog's agents and libraries send them. docs/protocols/datadog.md names the fields.
//
// For the caller, POST /api/v2/logs and /v1/input: 202 with {}. Errors: 400 with the message.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class DatadogLogsDecoder {
 public:
  DatadogLogsDecoder();
  ~DatadogLogsDecoder();

  // An array of objects, or one. An element that is no object is rejected alone.
  // Errors: kInvalid, with the byte offset, for what is no JSON.
  Result<Events> decode(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
