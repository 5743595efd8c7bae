#include "base/hash.h"

#include <nmmintrin.h>
#include <xxhash.h>

#include <cstring>

namespace clew::base {

uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

// SSE 4.2 is in x86-64-v2, which every build targets. Three streams hide the instruction's latency of three cycles
// only for long inputs; blocks here are short, so one stream is kept.
uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  uint64_t c = crc ^ 0xffffffffu;
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    c = _mm_crc32_u64(c, word);
  }
  for (; n > 0; --n, ++p) c = _mm_crc32_u8(static_cast<uint32_t>(c), static_cast<uint8_t>(*p));
  return static_cast<uint32_t>(c) ^ 0xffffffffu;
}

}  // namespace clew::base
