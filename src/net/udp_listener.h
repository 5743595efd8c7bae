// UDP: datagrams from agents' clients to a handler.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace clew::net {

constexpr size_t kDatagramBytesMax = 65'536;

// Threads: one of its own, which runs the handler; nothing is answered. What the kernel drops while the handler works
// is
//          lost, as UDP is.
class UdpListener {
 public:
  using Handler = std::function<void(std::string_view datagram)>;
  virtual ~UdpListener() = default;  // stops the thread
  virtual const Address& address() const = 0;
};

// Errors: kExists when the address is in use; kInvalid for a host that is no IP address; kIo.
Result<std::unique_ptr<UdpListener>> start_udp_listener(const Address& listen, UdpListener::Handler handler);

}  // namespace clew::net
