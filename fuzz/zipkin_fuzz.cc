// Zipkin spans; the first byte chooses the form. A decoder that remembers earlier inputs must agree with a fresh one.
#include "wire/zipkin.h"
#include "wire_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace clew;
  if (bytes == 0) return 0;
  static wire::ZipkinDecoder used;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  wire::Intake intake = fuzz::intake();
  if (data[0] == 'j') {
    fuzz::check_memory(used, body, [&](auto& decoder, std::string_view b) { return decoder.decode_json(b, intake); });
  } else if (data[0] == 'p') {
    fuzz::check_memory(used, body,
                       [&](auto& decoder, std::string_view b) { return decoder.decode_protobuf(b, intake); });
  }
  return 0;
}
