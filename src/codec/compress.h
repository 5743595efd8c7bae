// Thin doors to lz4 and zstd: byte strings in independent pieces, each stored as the smallest of what was tried.
//
//   varint raw bytes, then per piece of at most kPieceBytes raw bytes: u8 method, varint stored bytes, the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::codec {

// On disk.
enum class Method : uint8_t { kStored = 0, kLz4 = 1, kZstd = 2 };

// Bounds what a reader allocates before it has seen that the bytes are there.
constexpr size_t kPieceBytes = 4u << 20;

constexpr int kZstdLevel = 1;  // level 3 gains 1.5 % for twice the time on columns

// Writes `raw` compressed by `method`, or stored where that does not save a sixteenth.
void write_packed(std::string_view raw, Method method, std::string& out);

// Appends the raw bytes to `out`.
// Errors: kCorrupt when lengths or a compressed piece do not fit; `out` then holds anything.
Status read_packed(base::Reader& in, std::string& out);

}  // namespace clew::codec
