#include "codec/bitpack.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace clew::codec {
namespace {

// Eight values of W bits are W bytes: inside a group every shift is a constant. Reads up to 8 bytes beyond the group.
template <int W>
void unpack_groups(const char* in, size_t groups, uint64_t* out) {
  constexpr uint64_t kMask = W >= 64 ? ~0ull : (1ull << (W % 64)) - 1;
  for (size_t g = 0; g < groups; ++g, in += W, out += 8) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      const int bit = j * W;
      uint64_t low;
      std::memcpy(&low, in + bit / 8, sizeof low);
      uint64_t v = low >> (bit % 8);
      if (bit % 8 + W > 64) v |= static_cast<uint64_t>(static_cast<uint8_t>(in[bit / 8 + 8])) << ((64 - bit % 8) % 64);
      out[j] = v & kMask;
    }
  }
}

using UnpackFunction = void (*)(const char*, size_t, uint64_t*);

template <int... W>
constexpr std::array<UnpackFunction, sizeof...(W)> unpack_table(std::integer_sequence<int, W...>) {
  return {&unpack_groups<W>...};
}
constexpr auto kUnpack = unpack_table(std::make_integer_sequence<int, 65>());

}  // namespace

void pack_bits(const uint64_t* values, size_t count, int width, std::string& out) {
  CHECK(width >= 0 && width <= 64, width);
  if (width == 0) return;
  size_t begin = out.size();
  out.resize(begin + packed_bytes(count, width) + 16);
  char* to = out.data() + begin;
  uint64_t pending = 0;
  int pending_bits = 0;
  for (size_t i = 0; i < count; ++i) {
    pending |= values[i] << pending_bits;
    int used = 64 - pending_bits;
    if (width >= used) {
      std::memcpy(to, &pending, sizeof pending);
      to += sizeof pending;
      pending = used == 64 ? 0 : values[i] >> used;
      pending_bits = width - used;
    } else {
      pending_bits += width;
    }
  }
  std::memcpy(to, &pending, sizeof pending);
  out.resize(begin + packed_bytes(count, width));
}

namespace {

// Up to this width a value lies in four bytes, wherever it begins.
constexpr int kWideMax = 25;

// How the eight values of W bits in W bytes get into eight lanes of 32 bits: the low four from the first 16 bytes, the
// others from those behind 4 * W / 8.
struct alignas(32) WidePlan {
  std::array<uint8_t, 32> bytes{};
  std::array<uint32_t, 8> shifts{};
};

constexpr std::array<WidePlan, kWideMax + 1> kWidePlans = [] {
  std::array<WidePlan, kWideMax + 1> plans{};
  for (size_t w = 1; w <= kWideMax; ++w) {
    for (size_t j = 0; j < 8; ++j) {
      size_t bit = j * w - (j < 4 ? 0 : 4 * w / 8 * 8);
      plans[w].shifts[j] = static_cast<uint32_t>(bit % 8);
      for (size_t b = 0; b < 4; ++b) plans[w].bytes[j * 4 + b] = static_cast<uint8_t>(bit / 8 + b);
    }
  }
  return plans;
}();

bool has_wide() {
  static const bool has = __builtin_cpu_supports("avx2") > 0;
  return has;
}

void store_lanes(__m256i lanes, uint32_t* out) __attribute__((target("avx2")));
void store_lanes(__m256i lanes, uint32_t* out) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), lanes); }

void store_lanes(__m256i lanes, uint64_t* out) __attribute__((target("avx2")));
void store_lanes(__m256i lanes, uint64_t* out) {
  auto* to = reinterpret_cast<__m256i*>(out);
  _mm256_storeu_si256(to, _mm256_cvtepu32_epi64(_mm256_castsi256_si128(lanes)));
  _mm256_storeu_si256(to + 1, _mm256_cvtepu32_epi64(_mm256_extracti128_si256(lanes, 1)));
}

// Reads up to 16 bytes beyond the middle of the last group.
template <class T>
__attribute__((target("avx2"))) void unpack_wide(const char* in, size_t groups, size_t width, T* out) {
  const WidePlan& plan = kWidePlans[width];
  __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(plan.bytes.data()));
  __m256i shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(plan.shifts.data()));
  __m256i mask = _mm256_set1_epi32(static_cast<int>((1u << width) - 1));
  size_t second = 4 * width / 8;
  for (size_t g = 0; g < groups; ++g, in += width, out += 8) {
    __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + second));
    __m256i lanes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    lanes = _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(lanes, bytes), shifts), mask);
    store_lanes(lanes, out);
  }
}

// Groups that are unpacked wide, so that no load leaves `in`.
template <class T>
size_t unpack_wide_groups(std::string_view in, size_t count, size_t width, T* out) {
  constexpr size_t kBeyond = 16;
  size_t reach = 4 * width / 8 + kBeyond;
  if (width > kWideMax || in.size() < reach || !has_wide()) return 0;
  size_t groups = std::min(count / 8, (in.size() - reach) / width + 1);
  unpack_wide(in.data(), groups, width, out);
  return groups;
}

void unpack_narrow_groups(const char* in, size_t groups, size_t width, uint64_t* out) {
  kUnpack[width](in, groups, out);
}

void unpack_narrow_groups(const char* in, size_t groups, size_t width, uint32_t* out) {
  for (size_t g = 0; g < groups; ++g, in += width, out += 8) {
    uint64_t group[8];
    kUnpack[width](in, 1, group);
    for (size_t i = 0; i < 8; ++i) out[i] = static_cast<uint32_t>(group[i]);
  }
}

template <class T>
void unpack(std::string_view in, size_t count, int width, T* out) {
  CHECK(width >= 0 && width <= static_cast<int>(sizeof(T) * 8) && in.size() >= packed_bytes(count, width), width,
        count);
  if (width == 0 || count == 0) {
    std::fill_n(out, count, T{0});
    return;
  }
  auto w = static_cast<size_t>(width);
  size_t groups = unpack_wide_groups(in, count, w, out);
  // The last groups go through a padded copy, so that no load leaves `in`.
  size_t safe_groups = in.size() >= 9 + w ? (in.size() - 9) / w : 0;
  size_t narrow = std::min(count / 8, safe_groups);
  if (narrow > groups) {
    unpack_narrow_groups(in.data() + groups * w, narrow - groups, w, out + groups * 8);
    groups = narrow;
  }
  for (size_t done = groups * 8; done < count; done += 8) {
    char padded[64 + 16] = {};
    T group[8];
    size_t n = std::min<size_t>(count - done, 8);
    std::memcpy(padded, in.data() + done / 8 * w, packed_bytes(n, width));
    unpack_narrow_groups(padded, 1, w, group);
    std::memcpy(out + done, group, n * sizeof *out);
  }
}

}  // namespace

void unpack_bits(std::string_view in, size_t count, int width, uint64_t* out) { unpack(in, count, width, out); }
void unpack_bits(std::string_view in, size_t count, int width, uint32_t* out) { unpack(in, count, width, out); }

}  // namespace clew::codec
