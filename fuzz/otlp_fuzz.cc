// OTLP requests; the first byte chooses the signal and the form. Decoders that remember earlier inputs must agree with
// fresh ones.
#include "wire/otlp_logs.h"
#include "wire/otlp_traces.h"
#include "wire_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace clew;
  if (bytes == 0) return 0;
  static wire::OtlpLogsDecoder logs;
  static wire::OtlpTracesDecoder traces;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  wire::Intake intake = fuzz::intake();
  auto protobuf = [&](auto& decoder, std::string_view b) { return decoder.decode_protobuf(b, intake); };
  auto json = [&](auto& decoder, std::string_view b) { return decoder.decode_json(b, intake); };
  switch (data[0]) {
    case 'p': fuzz::check_memory(logs, body, protobuf); break;
    case 'j': fuzz::check_memory(logs, body, json); break;
    case 'P': fuzz::check_memory(traces, body, protobuf); break;
    case 'J': fuzz::check_memory(traces, body, json); break;
    default: break;
  }
  return 0;
}
