// Events as OTLP log records: ExportLogsServiceRequest in protobuf, for any OTLP server. docs/protocols/otlp.md has the
// table of what becomes of fields; decoding gives the fields back, but for what that page names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"

namespace clew::wire {

// A request, and how many events it has.
struct OtlpRequest {
  std::string body;
  uint32_t events = 0;
};

// `observed_nanos`: when the events were read, unix nanoseconds. A request goes on until it has `bytes_max`, and is
// longer by one event at most. The same events give the same requests.
std::vector<OtlpRequest> encode_otlp_logs(const std::vector<model::Batch>& batches, int64_t observed_nanos,
                                          size_t bytes_max);

// Of an ExportLogsServiceResponse: what its partial success says.
struct OtlpPartialSuccess {
  uint64_t rejected = 0;
  std::string message;
};
// Bytes that are no such message say nothing.
OtlpPartialSuccess read_otlp_logs_reply(std::string_view body);

}  // namespace clew::wire
