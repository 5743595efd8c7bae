#include "codec/bitpack.h"

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

void unpack_bits(std::string_view in, size_t count, int width, uint64_t* out) {
  CHECK(width >= 0 && width <= 64 && in.size() >= packed_bytes(count, width), width, count);
  if (width == 0 || count == 0) {
    std::fill_n(out, count, 0);
    return;
  }
  auto w = static_cast<size_t>(width);
  // The last groups go through a padded copy, so that no load leaves `in`.
  size_t safe_groups = in.size() >= 9 + w ? (in.size() - 9) / w : 0;
  size_t groups = count / 8 < safe_groups ? count / 8 : safe_groups;
  kUnpack[w](in.data(), groups, out);
  size_t done = groups * 8;
  while (done < count) {
    char padded[64 + 16] = {};
    uint64_t group[8];
    size_t n = count - done < 8 ? count - done : 8;
    std::memcpy(padded, in.data() + done / 8 * w, packed_bytes(n, width));
    kUnpack[w](padded, 1, group);
    std::memcpy(out + done, group, n * sizeof *out);
    done += n;
  }
}

}  // namespace clew::codec
