// SocketLoop: streams and datagrams of many peers, read on one thread: TCP, UDP and Unix sockets for the protocols that
// are no HTTP.
//
// A connection that sends nothing costs its descriptor and no buffer: everybody is read into one buffer, and only what
// a protocol could not take yet (the begin of a frame) is held for its connection, within limits by connection and in
// all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "net/address.h"
#include "net/tls.h"

namespace clew::net {

enum class Transport : uint8_t { kUdp, kTcp, kUnixDatagram, kUnixStream };

// Where to listen.
struct Endpoint {
  Transport transport = Transport::kTcp;
  Address address;                           // of kUdp and kTcp
  std::string path;                          // of the others
  std::shared_ptr<TlsServer> tls = nullptr;  // of a stream that is not to be plain

  bool is_stream() const { return transport == Transport::kTcp || transport == Transport::kUnixStream; }
  bool is_unix() const { return transport == Transport::kUnixDatagram || transport == Transport::kUnixStream; }
  // "127.0.0.1:514", "/run/clew/log.sock".
  std::string text() const { return is_unix() ? path : address.text(); }
};

struct SocketLimits {
  uint32_t connections_max = 1024;            // more are closed at once, and counted
  size_t held_bytes_max = 2 << 20;            // of a frame that has not come whole, by connection
  uint64_t held_bytes_all_max = 64ull << 20;  // the same of all connections together
  size_t unsent_bytes_max = 1 << 20;          // answers that a peer does not read
  uint32_t handshake_timeout_ms = 10'000;     // of TLS
  uint32_t idle_timeout_ms = 3'600'000;       // a connection that says nothing for so long is closed
  int receive_buffer_bytes = 16 << 20;        // of a datagram socket, as far as the system lets us
};

// The other side of a connection.
//
// Threads: the loop's.
class Peer {
 public:
  virtual ~Peer() = default;
  // "192.0.2.7"; empty for a Unix socket.
  virtual const std::string& address() const = 0;
  // Sends as far as the peer takes it and keeps the rest; nothing happens on a connection that is gone.
  virtual void send(std::string_view bytes) = 0;
  // Ends the connection once everything is sent.
  virtual void close() = 0;
};
using PeerPtr = std::shared_ptr<Peer>;

// What one connection says, as its protocol reads it.
//
// Threads: the loop's.
class Conversation {
 public:
  virtual ~Conversation() = default;
  // `bytes` are all that was not taken before, with what has come; `end` says that no more will. Gives how many of
  // them are done with: the rest comes again, with more behind it.
  // Errors: ends the connection; the code is its reason in counters.
  virtual Result<size_t> take(std::string_view bytes, bool end) = 0;
  // Answers are still to come after the end: the conversation closes its peer itself then.
  virtual bool owes_answers() const { return false; }
};

using Accept = std::function<std::unique_ptr<Conversation>(const PeerPtr& peer)>;
using TakeDatagram = std::function<void(std::string_view bytes, const std::string& from)>;

// Threads:  run() has one of its own, on which every callback runs; post() and stop() on any thread, the rest before
//           run() or on the loop's thread.
// Lifetime: metrics outlive it.
class SocketLoop {
 public:
  virtual ~SocketLoop() = default;

  // Errors: kExists when the address is in use, kForbidden, kInvalid for a host that is no IP address or a path that is
  //         too long, kIo.
  virtual Status listen(const Endpoint& endpoint, Accept accept) = 0;
  virtual Status listen(const Endpoint& endpoint, TakeDatagram take) = 0;
  // Where it listens, the port that the system chose included, in the order of the calls.
  virtual const std::vector<Endpoint>& endpoints() const = 0;

  // Stops reading from everybody, so that senders come to wait, or reads on.
  virtual void set_reading(bool on) = 0;
  // Takes what the system holds for us already, whether or not reading is on; for the end, when nothing is to get lost.
  virtual void read_waiting() = 0;
  virtual void post(std::function<void()> call) = 0;
  // Calls once, so much later.
  virtual void after(uint32_t ms, std::function<void()> call) = 0;

  // Serves until stop(); then no connection is open any more.
  virtual void run() = 0;
  virtual void stop() = 0;
};

// `source` is the label of its counters.
std::unique_ptr<SocketLoop> make_socket_loop(const SocketLimits& limits, const std::string& source,
                                             base::Registry& metrics);

}  // namespace clew::net
