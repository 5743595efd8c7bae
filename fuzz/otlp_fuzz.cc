// OTLP requests; the first byte chooses the signal and the form. Decoders that remember earlier inputs must agree with
// fresh ones, and what was decoded is encoded and decoded again without losing an event.
#include "base/check.h"
#include "wire/otlp_encode.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_traces.h"
#include "wire_check.h"

namespace {

void check_encoding(const clew::Result<clew::wire::Events>& events, const clew::wire::Intake& intake) {
  using namespace clew;
  if (!events.ok()) return;
  uint64_t rows = 0;
  for (const model::Batch& batch : events->batches) rows += batch.rows();
  uint64_t again = 0;
  for (const wire::OtlpRequest& request : wire::encode_otlp_logs(events->batches, 1, 1 << 16)) {
    wire::OtlpLogsDecoder decoder;
    Result<wire::Events> back = decoder.decode_protobuf(request.body, intake);
    CHECK(back.ok());
    again += back->received;
  }
  CHECK(again == rows, again, rows);
}

}  // namespace

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
    case 'p':
      fuzz::check_memory(logs, body, protobuf);
      check_encoding(logs.decode_protobuf(body, intake), intake);
      break;
    case 'j': fuzz::check_memory(logs, body, json); break;
    case 'P': fuzz::check_memory(traces, body, protobuf); break;
    case 'J': fuzz::check_memory(traces, body, json); break;
    default: break;
  }
  return 0;
}
