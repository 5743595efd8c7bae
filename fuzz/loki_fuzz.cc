// Loki pushes; the first byte chooses the form. `l`: the rest is one line, which must come back byte for byte. Else: a
// decoder that remembers earlier inputs must agree with a fresh one.
#include "base/bytes.h"
#include "wire/loki_push.h"
#include "wire_check.h"

namespace {

void append_field(std::string& out, char tag, std::string_view bytes) {
  out.push_back(tag);
  clew::base::Writer(out).string(bytes);
}

void check_line(clew::wire::LokiPushDecoder& decoder, std::string_view line) {
  using namespace clew;
  constexpr size_t kLineBytesMax = 1 << 20;  // longer ones are cut
  if (line.size() > kLineBytesMax) return;
  std::string entry;
  std::string stream;
  std::string body;
  append_field(entry, 0x12, line);
  append_field(stream, 0x0A, R"({job="a", level="b"})");
  append_field(stream, 0x12, entry);
  append_field(body, 0x0A, stream);
  Result<wire::Events> events = decoder.decode_protobuf(body, fuzz::intake());
  fuzz::require(events.ok() && events->rejected == 0 && events->batches.size() == 1);
  fuzz::check_sound(*events);
  fuzz::require(model::row_document(events->batches[0], 0) == line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace clew;
  if (bytes == 0) return 0;
  static wire::LokiPushDecoder used;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  wire::Intake intake = fuzz::intake();
  if (data[0] == 'l') {
    check_line(used, body);
  } else if (data[0] == 'j') {
    fuzz::check_memory(used, body, [&](auto& decoder, std::string_view b) { return decoder.decode_json(b, intake); });
  } else if (data[0] == 'p') {
    fuzz::check_memory(used, body,
                       [&](auto& decoder, std::string_view b) { return decoder.decode_protobuf(b, intake); });
  }
  return 0;
}
