// Spans as Datadog's tracers send them to their agent. docs/protocols/datadog.md says what becomes of each field.
//
// For the caller, PUT or POST /v0.3/traces and /v0.4/traces (msgpack: an array of traces, each an array of span maps)
// and /v0.5/traces (msgpack: a table of texts, then spans as arrays of positions in it):
//   Answer: 200 with {"rate_by_service":{}}; /v0.3 "OK". Errors: net::http_status with the message as text/plain.
//   Spans always go to the dataset `traces`; intake.dataset is not used.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

enum class DatadogForm : uint8_t { kMaps, kTable };  // v0.3 and v0.4; v0.5

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class DatadogDecoder {
 public:
  DatadogDecoder();
  ~DatadogDecoder();

  // A span without ids is rejected alone.
  // Errors: kInvalid, with the byte offset, for what is no msgpack of that form.
  Result<Events> decode(std::string_view body, DatadogForm form, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
