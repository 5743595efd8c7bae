// Hashes and checksums. hash64 is XXH3 (seed 0) and is part of the disk formats; crc32c is Castagnoli's.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::base {

uint64_t hash64(std::string_view bytes);
uint64_t hash64(std::string_view bytes, uint64_t seed);

// CRC-32C of `bytes`, continuing from `crc` (0 to begin).
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// Mixes two hashes; order matters.
constexpr uint64_t hash_mix(uint64_t a, uint64_t b) {
  uint64_t h = (a ^ 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
  h = (h ^ (h >> 32) ^ b) * 0xc4ceb9fe1a85ec53ull;
  return h ^ (h >> 29);
}

}  // namespace clew::base
