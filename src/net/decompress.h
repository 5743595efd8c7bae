// Content encodings of request bodies, undone under the limits of DESIGN.md section 13a.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "net/buffer.h"

namespace clew::net {

constexpr int kZstdWindowLog = 23;  // 8 MiB: what a zstd frame may make us hold

enum class Encoding : uint8_t {
  kIdentity,
  kGzip,     // any number of members
  kDeflate,  // zlib, or raw deflate as some clients send
  kZstd,     // any number of frames
  kSnappy,   // one block, as Loki's and Prometheus' clients send
};

// The encoding that a Content-Encoding header names ("" and "identity" are kIdentity).
// Errors: kUnsupported with the name.
Result<Encoding> parse_encoding(std::string_view header);

// Decodes `in` into `out` (replacing what it held), which grows as bytes come out, never past `bytes_max`.
// Errors: kInvalid when `in` is malformed or ends early; kTooLarge over `bytes_max` or the zstd window;
//         kOverloaded when the budget of `out` is spent.
Status decompress(Encoding encoding, std::string_view in, uint64_t bytes_max, Buffer& out);

}  // namespace clew::net
