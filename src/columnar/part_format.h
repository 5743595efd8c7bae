// The head of a part (docs/formats/batch.md): magic, version, length and checksum of what follows, dataset, directory.
#pragma once

#include <string>
#include <string_view>

#include "columnar/byte_source.h"
#include "columnar/directory.h"

namespace clew::columnar {

constexpr std::string_view kPartMagic = "CLPT";
constexpr uint16_t kPartVersion = 1;
constexpr uint32_t kPartHeaderBytes = 16;

struct PartHead {
  std::string dataset;
  Directory directory;
  uint64_t data_offset = 0;  // from the begin of the part
};

// Appends the fixed header for `head` (dataset and directory).
void write_part_header(std::string_view head, std::string& out);
// Errors: kCorrupt, kUnsupported, kIo.
Result<PartHead> read_part_head(const ByteSource& source);

}  // namespace clew::columnar
