// host:port pairs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::net {

struct Address {
  std::string host;  // an IP address or a name, without brackets
  uint16_t port = 0;

  // "127.0.0.1:4320", "[::1]:4320".
  std::string text() const;
  // 127.0.0.0/8, ::1 and localhost.
  bool is_loopback() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// Takes "HOST:PORT", "[V6]:PORT", ":PORT" (all addresses) and "PORT" (loopback).
// Errors: kInvalid.
Result<Address> parse_address(std::string_view text);

}  // namespace clew::net
