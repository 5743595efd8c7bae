// Files of any kind. Oracle: however the bytes are cut into pieces, the rows are the same, and each row gives its bytes
// back.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/batch_text.h"
#include "process/importer.h"

namespace {

std::vector<std::string> rows_of(std::string_view bytes, size_t piece, std::optional<clew::process::Format> format) {
  using namespace clew;
  std::vector<std::string> rows;
  process::ImportOptions options;
  options.format = format;
  process::Importer importer(options, UnixNanos(1'795'171'025'000'000'000), [&](model::Batch batch) {
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      rows.push_back(model::row_text(batch, row));
      std::string document = model::row_document(batch, row);
      bool text_line = model::value_of(batch, model::kRawField, row).has_value();
      CHECK(!text_line || bytes.find(document) != std::string_view::npos, document);
    }
    return Status();
  });
  for (size_t at = 0; at < bytes.size(); at += piece) CHECK(importer.feed(bytes.substr(at, piece)).ok());
  CHECK(importer.finish().ok());
  return rows;
}

}  // namespace

// The first byte says the format and the pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using clew::process::Format;
  if (size < 1) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::optional<Format> format;
  if (data[0] % 8 < 6) format = static_cast<Format>(data[0] % 8);
  size_t piece = data[0] / 8 + 1u;
  CHECK(rows_of(bytes, bytes.size() + 1, format) == rows_of(bytes, piece, format));
  return 0;
}
