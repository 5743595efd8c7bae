#include "net/address.h"

#include <charconv>

namespace clew::net {
namespace {

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return Error(Code::kInvalid, "port " + quoted(text) + " is not a number from 0 to 65535");
  }
  return port;
}

}  // namespace

std::string Address::text() const {
  bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::is_loopback() const { return host == "localhost" || host == "::1" || host.starts_with("127."); }

Result<Address> parse_address(std::string_view text) {
  Address address;
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    address.host = "127.0.0.1";
    address.port = CLEW_TRY(parse_port(text));
    return address;
  }
  std::string_view host = text.substr(0, colon);
  address.port = CLEW_TRY(parse_port(text.substr(colon + 1)));
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Error(Code::kInvalid, "address " + quoted(text) + ": write an IPv6 address as [ADDRESS]:PORT");
  }
  address.host = host.empty() ? "0.0.0.0" : std::string(host);
  return address;
}

}  // namespace clew::net
