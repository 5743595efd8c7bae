// What an entry of the agent's queue is made of, and what is sent of it: encoded parts, several of one read together,
// compressed inside by lz4 or as a whole by zstd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/part.h"

namespace clew::collect {

enum class Compression : uint8_t {
  kLz4,   // block by block, in the parts themselves
  kZstd,  // the request body as a whole: fewest bytes
  kNone,
};

// How parts of such an entry are encoded.
columnar::BatchEncoder::Use encoder_use(Compression compression);

// Requires: at least one part, none empty, encoded so.
std::string make_entry(const std::vector<std::string>& parts, Compression compression);

// The body of POST /clew/v1/batches.
struct EntryBody {
  std::string bytes;
  bool zstd = false;  // Content-Encoding
};
EntryBody body_of_entry(std::string_view entry);
// The same without compression. Errors: kCorrupt.
Result<std::string> plain_body_of_entry(std::string_view entry);

}  // namespace clew::collect
