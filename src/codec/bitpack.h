// Bit packing: `count` values of `width` bits, one after the other, lowest bit first, padded to a byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace clew::codec {

constexpr size_t packed_bytes(size_t count, int width) { return (count * static_cast<size_t>(width) + 7) / 8; }

// Bits that `v` needs; 0 for 0.
constexpr int bits_of(uint64_t v) { return v == 0 ? 0 : 64 - __builtin_clzll(v); }

// Requires: 0 <= width <= 64 and every value fits in `width` bits.
void pack_bits(const uint64_t* values, size_t count, int width, std::string& out);

// Requires: 0 <= width <= 64 and in.size() >= packed_bytes(count, width).
void unpack_bits(std::string_view in, size_t count, int width, uint64_t* out);
// The same for values of at most 32 bits.
void unpack_bits(std::string_view in, size_t count, int width, uint32_t* out);

}  // namespace clew::codec
