// Lumberjack frames and GELF. Frames are the same wherever the bytes are cut; pairs become JSON; a GELF message is one
// row or an error.
#include <string>

#include "wire/gelf.h"
#include "wire/json_scan.h"
#include "wire/lumberjack.h"
#include "wire_check.h"

namespace {

using namespace clew;

constexpr size_t kPayloadMax = 1 << 16;

void check_frames(std::string_view bytes) {
  while (true) {
    Result<std::optional<wire::LumberjackFrame>> frame = wire::read_lumberjack_frame(bytes, kPayloadMax);
    if (!frame.ok() || !frame->has_value()) return;
    const wire::LumberjackFrame& whole = **frame;
    fuzz::require(whole.bytes > 0 && whole.bytes <= bytes.size() && whole.payload.size() < whole.bytes);
    for (size_t n = 0; n < std::min<size_t>(whole.bytes, 64); ++n) {
      Result<std::optional<wire::LumberjackFrame>> cut = wire::read_lumberjack_frame(bytes.substr(0, n), kPayloadMax);
      fuzz::require(cut.ok() && !cut->has_value());
    }
    if (whole.kind == wire::LumberjackFrame::Kind::kData) {
      std::string json;
      wire::append_lumberjack_pairs(whole.payload, json);
      wire::SkipInfo info;
      const char* end = json.data() + json.size();
      const char* stop = wire::skip_value(json.data(), end, wire::Grammar::kIngest, wire::Newlines::kBlank, info);
      fuzz::require(stop == end);
    }
    bytes.remove_prefix(whole.bytes);
  }
}

void check_gelf(std::string_view message) {
  (void)wire::read_gelf_chunk(message);
  model::Batch batch;
  wire::RowWriter writer;
  writer.attach(batch, fuzz::intake());
  wire::JsonEventReader json(writer);
  wire::GelfRows rows(writer, json);
  Status put = rows.put(message, "192.0.2.7");
  fuzz::require(batch.rows() == (put.ok() ? 1u : 0u));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  std::string_view input(reinterpret_cast<const char*>(data), bytes);
  check_frames(input);
  check_gelf(input);
  return 0;
}
