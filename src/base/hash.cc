#include "base/hash.h"

#include <nmmintrin.h>
#include <xxhash.h>

#include <array>
#include <cstring>

namespace clew::base {

uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

namespace {

// The instruction takes three cycles, so that three streams are as fast as one: longer inputs are read as runs of three
// lanes, whose checksums are then joined by what kLaneBytes zero bytes make of the first ones.
constexpr size_t kLaneBytes = 512;

using ZerosTable = std::array<std::array<uint32_t, 256>, 4>;

constexpr uint32_t behind_zeros(uint32_t crc, size_t bytes) {
  for (size_t bit = 0; bit < bytes * 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
  return crc;
}

ZerosTable make_zeros_table() {
  ZerosTable table{};
  for (uint32_t byte = 0; byte < 4; ++byte) {
    for (uint32_t bit = 0; bit < 8; ++bit) {
      uint32_t one = behind_zeros(1u << (byte * 8 + bit), kLaneBytes);
      for (uint32_t v = 0; v < 256; ++v) table[byte][v] ^= (v >> bit & 1) != 0 ? one : 0;
    }
  }
  return table;
}

uint64_t behind_a_lane(uint64_t crc) {
  static const ZerosTable table = make_zeros_table();
  auto c = static_cast<uint32_t>(crc);
  return table[0][c & 0xff] ^ table[1][c >> 8 & 0xff] ^ table[2][c >> 16 & 0xff] ^ table[3][c >> 24];
}

uint64_t load_word(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

}  // namespace

// SSE 4.2 is in x86-64-v2, which every build targets.
uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  uint64_t c = crc ^ 0xffffffffu;
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 3 * kLaneBytes; n -= 3 * kLaneBytes, p += 3 * kLaneBytes) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kLaneBytes; i += 8) {
      c = _mm_crc32_u64(c, load_word(p + i));
      second = _mm_crc32_u64(second, load_word(p + kLaneBytes + i));
      third = _mm_crc32_u64(third, load_word(p + 2 * kLaneBytes + i));
    }
    c = behind_a_lane(behind_a_lane(c) ^ second) ^ third;
  }
  for (; n >= 8; n -= 8, p += 8) c = _mm_crc32_u64(c, load_word(p));
  for (; n > 0; --n, ++p) c = _mm_crc32_u8(static_cast<uint32_t>(c), static_cast<uint8_t>(*p));
  return static_cast<uint32_t>(c) ^ 0xffffffffu;
}

}  // namespace clew::base
