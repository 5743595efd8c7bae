// Bodies of collectors; the first byte chooses: `h` Splunk's events, `d` Datadog's logs, `c` a CloudWatch message, `f`
// a Firehose request. A decoder that remembers earlier inputs must agree with a fresh one.
#include "wire/cloudwatch.h"
#include "wire/datadog_logs.h"
#include "wire/splunk_hec.h"
#include "wire_check.h"

namespace {

using namespace clew;

Result<wire::Events> decode_cloudwatch(wire::CloudWatchDecoder& decoder, std::string_view body) {
  decoder.begin(fuzz::intake(), body.size());
  Status added = decoder.add(body);
  wire::Events events = decoder.take();
  if (!added.ok()) return added.error();
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes == 0) return 0;
  static wire::SplunkHecDecoder hec;
  static wire::DatadogLogsDecoder datadog;
  static wire::CloudWatchDecoder cloudwatch;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  wire::Intake intake = fuzz::intake();
  if (data[0] == 'h') {
    wire::HecDefaults defaults{.host = "h", .source = {}, .sourcetype = "t"};
    fuzz::check_memory(hec, body, [&](auto& decoder, std::string_view b) {
      return Result<wire::Events>(decoder.decode(b, defaults, intake));
    });
  } else if (data[0] == 'd') {
    fuzz::check_memory(datadog, body, [&](auto& decoder, std::string_view b) { return decoder.decode(b, intake); });
  } else if (data[0] == 'c') {
    fuzz::check_memory(cloudwatch, body,
                       [](auto& decoder, std::string_view b) { return decode_cloudwatch(decoder, b); });
  } else if (data[0] == 'f') {
    (void)wire::read_firehose_request(body);
  }
  return 0;
}
