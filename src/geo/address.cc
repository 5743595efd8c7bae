#include "geo/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "codec/text_forms.h"

namespace clew::geo {
namespace {

constexpr size_t kTextBytesMax = INET6_ADDRSTRLEN;

struct Network {
  uint32_t base;
  uint8_t bits;
};

// The registry of special-purpose addresses (RFC 6890 and what came after it).
constexpr Network kSpecial4[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15},
    {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3},  // multicast, reserved, broadcast
};

uint32_t big_endian(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

bool begins(const std::array<uint8_t, 16>& bytes, std::span<const uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

Address embedded(const std::array<uint8_t, 16>& v6, size_t at) {
  Address out{.v4 = true};
  std::copy_n(v6.begin() + static_cast<std::ptrdiff_t>(at), 4, out.bytes.begin());
  return out;
}

constexpr uint8_t kMapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t kTranslated[] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
constexpr uint8_t kSixToFour[] = {0x20, 0x02};
constexpr uint8_t kDocumentation6[] = {0x20, 0x01, 0x0d, 0xb8};

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() < 2 || text.size() >= kTextBytesMax) return std::nullopt;
  Address out;
  uint32_t v4 = 0;
  if (codec::parse_ip4(text, v4)) {
    out.v4 = true;
    for (size_t i = 0; i < 4; ++i) out.bytes[i] = static_cast<uint8_t>(v4 >> (24 - 8 * i));
    return out;
  }
  char terminated[kTextBytesMax];
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  if (inet_pton(AF_INET6, terminated, out.bytes.data()) != 1) return std::nullopt;
  if (begins(out.bytes, kMapped) || begins(out.bytes, kTranslated)) return embedded(out.bytes, 12);
  if (begins(out.bytes, kSixToFour)) return embedded(out.bytes, 2);
  return out;
}

bool is_global(const Address& address) {
  if (!address.v4) return (address.bytes[0] & 0xe0) == 0x20 && !begins(address.bytes, kDocumentation6);  // 2000::/3
  uint32_t value = big_endian(address.bytes.data());
  return std::none_of(std::begin(kSpecial4), std::end(kSpecial4),
                      [value](const Network& network) { return ((value ^ network.base) >> (32 - network.bits)) == 0; });
}

}  // namespace clew::geo
