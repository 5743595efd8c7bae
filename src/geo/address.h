// IP addresses as a database of places wants them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace clew::geo {

struct Address {
  bool v4 = false;
  std::array<uint8_t, 16> bytes{};  // of v4 the first four; network order
};

// An IPv4 or IPv6 address as text. Forms of IPv6 that stand for an IPv4 address (::ffff:a.b.c.d, 64:ff9b::/96, 6to4)
// give that. None when it is no address.
std::optional<Address> parse_address(std::string_view text);

// False where an address has no place in the world: private, loopback, link-local, shared, reserved for documentation
// and tests, multicast.
bool is_global(const Address& address);

}  // namespace clew::geo
