// Sockets of the operating system by address or path, for the listeners that are no HTTP.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "net/socket_loop.h"

namespace clew::net {

// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }
  int fd() const { return fd_; }
  int release();
  void reset();

 private:
  int fd_;
};

// A socket that is bound, not blocking, and listens where it is a stream's; `endpoint` gets the port that was chosen. A
// Unix socket that nobody listens on any more is replaced.
// Errors: as SocketLoop::listen.
Result<Descriptor> open_listening(Endpoint& endpoint, int receive_buffer_bytes);

// The IP address of a peer; empty for a Unix socket.
std::string peer_text(const sockaddr_storage& peer);

// How many datagrams the system has dropped because the socket's buffer was full.
uint64_t dropped_datagrams(int fd);

}  // namespace clew::net
