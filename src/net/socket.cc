#include "net/socket.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace clew::net {
namespace {

constexpr int kBacklog = 1024;

Error os_error(const std::string& what) {
  int why = errno;
  Code code = why == EADDRINUSE ? Code::kExists : why == EACCES || why == EPERM ? Code::kForbidden : Code::kIo;
  return Error(code, "cannot listen on " + what + ": " + std::strerror(why));
}

struct Name {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Name> ip_name(const Address& address) {
  Name out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  std::string host = address.host == "localhost" ? "127.0.0.1" : address.host.empty() ? "0.0.0.0" : address.host;
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    out.bytes = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    out.bytes = sizeof *v6;
  } else {
    return Error(Code::kInvalid, "no IP address: " + quoted(address.host));
  }
  return out;
}

Result<Name> path_name(const std::string& path) {
  Name out;
  auto* name = reinterpret_cast<sockaddr_un*>(&out.storage);
  if (path.empty() || path.size() >= sizeof name->sun_path) {
    return Error(Code::kInvalid, "a Unix socket's path has 1 to 107 bytes: " + quoted(path));
  }
  name->sun_family = AF_UNIX;
  std::memcpy(name->sun_path, path.c_str(), path.size() + 1);
  out.bytes = sizeof *name;
  return out;
}

// A socket left by a program that is gone answers nobody; any other file stays, and bind() will say so.
void remove_dead_socket(const Endpoint& endpoint, const Name& name, int type) {
  struct stat found {};
  if (::lstat(endpoint.path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
  Descriptor probe(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (probe.fd() >= 0 && ::connect(probe.fd(), name.get(), name.bytes) != 0 && errno == ECONNREFUSED) {
    ::unlink(endpoint.path.c_str());
  }
}

void ask_receive_buffer(int fd, int bytes) {
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

uint16_t port_of(const sockaddr_storage& name) {
  return ntohs(name.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(name).sin_port
                                         : reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}
int Descriptor::release() { return std::exchange(fd_, -1); }
void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Descriptor> open_listening(Endpoint& endpoint, int receive_buffer_bytes) {
  Name name = CLEW_TRY(endpoint.is_unix() ? path_name(endpoint.path) : ip_name(endpoint.address));
  int type = endpoint.is_stream() ? SOCK_STREAM : SOCK_DGRAM;
  if (endpoint.is_unix()) remove_dead_socket(endpoint, name, type);
  Descriptor socket(::socket(name.get()->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return os_error(endpoint.text());
  int one = 1;
  if (endpoint.transport == Transport::kTcp) {
    (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  }
  if (!endpoint.is_stream()) ask_receive_buffer(socket.fd(), receive_buffer_bytes);
  if (::bind(socket.fd(), name.get(), name.bytes) != 0) return os_error(endpoint.text());
  if (endpoint.is_stream() && ::listen(socket.fd(), kBacklog) != 0) return os_error(endpoint.text());
  if (endpoint.is_unix()) {
    // Who may write is a matter of the directory, as with /dev/log.
    if (::chmod(endpoint.path.c_str(), 0666) != 0) return os_error(endpoint.text());
    return socket;
  }
  if (::getsockname(socket.fd(), name.get(), &name.bytes) != 0) return os_error(endpoint.text());
  endpoint.address.port = port_of(name.storage);
  return socket;
}

std::string peer_text(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = {};
  if (peer.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text, sizeof text);
  } else if (peer.ss_family == AF_INET6) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
      inet_ntop(AF_INET, &address.s6_addr[12], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &address, text, sizeof text);
    }
  }
  return text;
}

uint64_t dropped_datagrams(int fd) {
  uint32_t info[SK_MEMINFO_VARS] = {};
  socklen_t bytes = sizeof info;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &bytes) != 0) return 0;
  return info[SK_MEMINFO_DROPS];
}

}  // namespace clew::net
