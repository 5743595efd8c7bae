#include "net/udp_listener.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace clew::net {
namespace {

constexpr int kReceiveBufferBytes = 4 << 20;  // datagrams wait here while the handler works

Error os_error(const std::string& what) {
  return Error(errno == EADDRINUSE ? Code::kExists : Code::kIo, what + ": " + std::strerror(errno));
}

Result<sockaddr_storage> socket_address(const Address& address) {
  sockaddr_storage out{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  std::string host = address.host == "localhost" ? "127.0.0.1" : address.host.empty() ? "0.0.0.0" : address.host;
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
  } else {
    return Error(Code::kInvalid, "no IP address: " + clew::quoted(address.host));
  }
  return out;
}

// Closes what it holds.
struct Descriptor {
  int fd = -1;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};
using DescriptorPtr = std::unique_ptr<Descriptor>;

class Listener final : public UdpListener {
 public:
  Listener(DescriptorPtr socket, DescriptorPtr wake, Address address, Handler handler)
      : socket_(std::move(socket)),
        wake_(std::move(wake)),
        address_(std::move(address)),
        handler_(std::move(handler)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {
    pthread_setname_np(thread_.native_handle(), "clew-udp");
  }
  ~Listener() override {
    thread_.request_stop();
    uint64_t one = 1;
    while (::write(wake_->fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
  }
  const Address& address() const override { return address_; }

 private:
  void run(const std::stop_token& stop) {
    std::vector<char> buffer(kDatagramBytesMax);
    while (!stop.stop_requested()) {
      pollfd wait[2] = {{.fd = socket_->fd, .events = POLLIN, .revents = 0},
                        {.fd = wake_->fd, .events = POLLIN, .revents = 0}};
      if (::poll(wait, 2, -1) < 0 && errno != EINTR) return;
      if ((wait[0].revents & POLLIN) == 0) continue;
      ssize_t bytes = ::recv(socket_->fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (bytes > 0) handler_({buffer.data(), static_cast<size_t>(bytes)});
    }
  }

  const DescriptorPtr socket_;
  const DescriptorPtr wake_;
  const Address address_;
  const Handler handler_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace

Result<std::unique_ptr<UdpListener>> start_udp_listener(const Address& listen, UdpListener::Handler handler) {
  sockaddr_storage where = CLEW_TRY(socket_address(listen));
  socklen_t length = where.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  auto socket = std::make_unique<Descriptor>(::socket(where.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket->fd < 0) return os_error("a UDP socket");
  (void)::setsockopt(socket->fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  if (::bind(socket->fd, reinterpret_cast<const sockaddr*>(&where), length) != 0) {
    return os_error(listen.text() + " (UDP)");
  }
  if (::getsockname(socket->fd, reinterpret_cast<sockaddr*>(&where), &length) != 0) return os_error(listen.text());
  Address bound = listen;
  bound.port = ntohs(where.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&where)->sin_port
                                                : reinterpret_cast<sockaddr_in6*>(&where)->sin6_port);
  auto wake = std::make_unique<Descriptor>(::eventfd(0, EFD_CLOEXEC));
  if (wake->fd < 0) return os_error("an eventfd");
  return std::unique_ptr<UdpListener>(
      std::make_unique<Listener>(std::move(socket), std::move(wake), std::move(bound), std::move(handler)));
}

}  // namespace clew::net
