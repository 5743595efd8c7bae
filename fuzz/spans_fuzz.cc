// Datadog's and Jaeger's spans; the first byte chooses the form. A decoder that remembers earlier inputs must agree
// with a fresh one.
#include "base/check.h"
#include "wire/datadog.h"
#include "wire/jaeger.h"
#include "wire/trace_file.h"
#include "wire_check.h"

namespace {

// What a beginning says, a longer one says too.
void check_detection(std::string_view body) {
  using namespace clew;
  std::optional<wire::TraceFile> whole = wire::detect_trace_file(body);
  std::optional<wire::TraceFile> half = wire::detect_trace_file(body.substr(0, body.size() / 2));
  CHECK(!half || half == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace clew;
  if (bytes == 0) return 0;
  static wire::DatadogDecoder datadog;
  static wire::JaegerDecoder jaeger;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  wire::Intake intake = fuzz::intake();
  auto datadog_of = [&](wire::DatadogForm form) {
    return [&intake, form](auto& decoder, std::string_view b) { return decoder.decode(b, form, intake); };
  };
  switch (data[0]) {
    case 'm': fuzz::check_memory(datadog, body, datadog_of(wire::DatadogForm::kMaps)); break;
    case 't': fuzz::check_memory(datadog, body, datadog_of(wire::DatadogForm::kTable)); break;
    case 'b':
      fuzz::check_memory(jaeger, body, [&](auto& decoder, std::string_view b) {
        return decoder.decode_batch(b, wire::ThriftForm::kBinary, intake);
      });
      break;
    case 'u':
      fuzz::check_memory(jaeger, body,
                         [&](auto& decoder, std::string_view b) { return decoder.decode_packet(b, intake); });
      break;
    case 'p':
      fuzz::check_memory(jaeger, body,
                         [&](auto& decoder, std::string_view b) { return decoder.decode_protobuf(b, intake); });
      break;
    case 'j':
      fuzz::check_memory(jaeger, body,
                         [&](auto& decoder, std::string_view b) { return decoder.decode_json(b, intake); });
      break;
    case 'd': check_detection(body); break;
    default: break;
  }
  return 0;
}
