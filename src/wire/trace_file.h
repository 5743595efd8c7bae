// Files of traces as other programs save them: which form a file has, and the decoders of all forms.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

enum class TraceFile : uint8_t {
  kJaeger,  // what Jaeger's UI and /api/traces give: {"data":[{"traceID":..,"spans":[..],"processes":{..}}]}
  kZipkin,  // what Zipkin's UI and /api/v2/trace give: an array of spans
  kOtlp,    // {"resourceSpans":[..]} or {"resourceLogs":[..]}, as the Collector's file exporter writes them
};
std::string_view trace_file_name(TraceFile form);  // "jaeger-json", "zipkin-json", "otlp-json"
std::optional<TraceFile> trace_file_by_name(std::string_view name);

// From a file's first bytes; nothing where it is no file of traces. Looks at keys, so that JSON lines with a trace id
// stay what they are.
std::optional<TraceFile> detect_trace_file(std::string_view sample);

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class TraceFileDecoder {
 public:
  TraceFileDecoder();
  ~TraceFileDecoder();

  // A body of kOtlp may hold one document after the other.
  // Errors: kInvalid, with the byte offset, when the body is not JSON of that form.
  Result<Events> decode(std::string_view body, TraceFile form, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
