#include "net/socket_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "net/socket.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Wait = asio::posix::stream_descriptor;

constexpr size_t kReadBytes = 256 << 10;
// What is held up to here is copied before what comes, so that both lie in the loop's own buffer.
constexpr size_t kCopiedHeldBytes = 64 << 10;
constexpr unsigned kDatagramsAtOnce = 64;
constexpr size_t kDatagramBytesMax = 64 << 10;
constexpr int kRoundsBeforeOthers = 16;  // of datagrams, before other sockets have their turn
constexpr int kRoundsAtTheEnd = 4096;    // reads of one socket in read_waiting()
constexpr int kAcceptsAtOnce = 64;
constexpr uint32_t kSweepMs = 1000;
// A socket that has just given something is looked at again after this and not as soon as more comes: a sender of many
// small messages would wake us for each.
constexpr uint32_t kRestMs = 2;
constexpr size_t kBusyBytes = 32 << 10;  // a read of so many goes on at once
constexpr uint32_t kPauseMs = 250;       // when there are no descriptors for another connection

struct Counters {
  Counters(base::Registry& metrics, const std::string& source)
      : registry(metrics),
        label(source),
        connections(metrics.counter("clew_listener_connections_total", "Connections accepted", {{"source", source}})),
        refused(metrics.counter("clew_listener_connections_refused_total",
                                "Connections closed because there were too many", {{"source", source}})),
        bytes(metrics.counter("clew_listener_bytes_total", "Bytes received", {{"source", source}})),
        datagrams(metrics.counter("clew_listener_datagrams_total", "Datagrams received", {{"source", source}})),
        dropped(metrics.counter("clew_listener_datagrams_dropped_total",
                                "Datagrams that the system dropped because its buffer was full",
                                {{"source", source}})) {}
  void closed(std::string_view reason) {
    registry
        .counter("clew_listener_connections_closed_total", "Connections ended from this side, by reason",
                 {{"reason", std::string(reason)}, {"source", label}})
        .add();
  }
  base::Registry& registry;
  const std::string label;
  base::Counter& connections;
  base::Counter& refused;
  base::Counter& bytes;
  base::Counter& datagrams;
  base::Counter& dropped;
};

class Loop;

// How a read or write of a connection ended, where it moved no bytes.
enum class Stopped { kEnd, kLater, kBroken };

struct FreeSession {
  void operator()(ssl_st* session) const { SSL_free(session); }
};
using SessionPtr = std::unique_ptr<ssl_st, FreeSession>;

class Connection final : public Peer, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Loop& loop, asio::io_context& io, Descriptor socket, std::string address, std::shared_ptr<TlsServer> tls);
  ~Connection() override = default;

  const std::string& address() const override { return address_; }
  void send(std::string_view bytes) override;
  void close() override;

  void start(const Accept& accept);
  void arm();
  // After a rest: reads, and waits where nothing was there.
  void look_again();
  // Reads once, and gives how much; 0 when nothing was there or the connection is gone.
  size_t read_some();
  void close_if_idle(uint64_t now_ms, uint64_t idle_ms);
  void end();

 private:
  int fd() { return wait_.native_handle(); }
  // Bytes, or why none.
  size_t read_bytes(char* to, size_t bytes_max, Stopped& stopped);
  size_t send_bytes(std::string_view bytes, Stopped& stopped);
  Stopped why_stopped(int result);
  bool is_shaken() { return shaken_ = shaken_ || SSL_is_init_finished(session_.get()) != 0; }
  void on_readable();
  bool take(std::string_view bytes, bool last);
  bool hold(std::string_view rest);
  void give_up(std::string_view reason);
  void send_on();
  void arm_writing();

  Loop& loop_;
  Wait wait_;
  const std::string address_;
  const std::shared_ptr<TlsServer> tls_;
  SessionPtr session_;   // of TLS
  bool shaken_ = false;  // its handshake is done; after an error the session does not know any more
  std::unique_ptr<Conversation> talk_;
  std::string held_;
  size_t counted_held_ = 0;  // in the loop's sum
  std::string unsent_;
  size_t sent_ = 0;  // of unsent_
  uint64_t last_ms_ = 0;
  bool armed_ = false;
  bool writing_armed_ = false;
  bool taking_ = false;       // the conversation runs
  bool closing_ = false;      // when everything is sent
  bool half_closed_ = false;  // nothing more will come
  bool gone_ = false;
};

// A socket that others connect to.
struct Door {
  Door(asio::io_context& io, Descriptor socket, Accept on_accept, std::shared_ptr<TlsServer> with_tls)
      : wait(io, socket.release()), accept(std::move(on_accept)), tls(std::move(with_tls)) {}
  Wait wait;
  Accept accept;
  std::shared_ptr<TlsServer> tls;
};

struct Letterbox {
  Letterbox(asio::io_context& io, Descriptor socket, TakeDatagram on_datagram)
      : wait(io, socket.release()), take(std::move(on_datagram)) {}
  // While it rests the socket is not asio's, whose reactor would be woken by each datagram although nobody waits.
  void begin_rest() { resting = Descriptor(wait.release()); }
  // False when it did not rest.
  bool end_rest() {
    if (resting.fd() < 0) return false;
    wait.assign(resting.release());
    return true;
  }
  int fd() { return resting.fd() >= 0 ? resting.fd() : wait.native_handle(); }

  Wait wait;
  Descriptor resting;
  TakeDatagram take;
  bool armed = false;
  uint64_t dropped = 0;  // as counted so far
  sockaddr_storage last_peer{};
  std::string last_text;
};

// Room for many datagrams, and what the system wants to know of it.
struct DatagramBuffers {
  DatagramBuffers() : bytes(std::make_unique_for_overwrite<char[]>(kDatagramsAtOnce * kDatagramBytesMax)) {
    for (unsigned i = 0; i < kDatagramsAtOnce; ++i) {
      parts[i] = {bytes.get() + i * kDatagramBytesMax, kDatagramBytesMax};
      headers[i].msg_hdr.msg_iov = &parts[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &peers[i];
    }
  }
  std::unique_ptr<char[]> bytes;
  iovec parts[kDatagramsAtOnce];
  sockaddr_storage peers[kDatagramsAtOnce]{};
  mmsghdr headers[kDatagramsAtOnce]{};
};

class Loop final : public SocketLoop {
 public:
  Loop(const SocketLimits& limits, const std::string& source, base::Registry& metrics)
      : limits_(limits), counters_(metrics, source), sweep_(io_), buffer_(kReadBytes, '\0'), rest_(io_) {}
  ~Loop() override {
    for (const Endpoint& endpoint : endpoints_) {
      if (endpoint.is_unix()) ::unlink(endpoint.path.c_str());
    }
  }

  Status listen(const Endpoint& endpoint, Accept accept) override;
  Status listen(const Endpoint& endpoint, TakeDatagram take) override;
  const std::vector<Endpoint>& endpoints() const override { return endpoints_; }
  void set_reading(bool on) override;
  void read_waiting() override;
  void post(std::function<void()> call) override { asio::post(io_, std::move(call)); }
  void after(uint32_t ms, std::function<void()> call) override;
  void run() override;
  void stop() override {
    asio::post(io_, [this] { end_all(); });
  }

  const SocketLimits& limits() const { return limits_; }
  Counters& counters() { return counters_; }
  std::string& buffer() { return buffer_; }
  bool is_reading() const { return reading_; }
  uint64_t now_ms() const {
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }
  // False when all connections together would hold too much.
  bool change_held(size_t before, size_t after);
  void forget(const std::shared_ptr<Connection>& connection) { connections_.erase(connection); }
  void rest(std::shared_ptr<Connection> connection) {
    resting_.push_back(std::move(connection));
    rest_on();
  }

 private:
  void accept_next(Door& door);
  bool accept_one(Door& door);
  void arm(Letterbox& box);
  void read_box(Letterbox& box);
  // Datagrams received.
  unsigned receive(Letterbox& box);
  void rest_on();
  void end_rest();
  void sweep_next();
  void note_dropped();
  void end_all();

  const SocketLimits limits_;
  Counters counters_;
  asio::io_context io_;
  asio::steady_timer sweep_;
  std::string buffer_;
  std::unique_ptr<DatagramBuffers> datagrams_;
  std::vector<Endpoint> endpoints_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::unique_ptr<Letterbox>> boxes_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> resting_;
  asio::steady_timer rest_;
  bool rest_runs_ = false;
  uint64_t held_bytes_ = 0;
  bool reading_ = true;
};

Connection::Connection(Loop& loop, asio::io_context& io, Descriptor socket, std::string address,
                       std::shared_ptr<TlsServer> tls)
    : loop_(loop),
      wait_(io, socket.release()),
      address_(std::move(address)),
      tls_(std::move(tls)),
      last_ms_(loop.now_ms()) {
  if (tls_ == nullptr) return;
  session_.reset(tls_->new_session());
  if (session_ == nullptr) return;
  SSL_set_fd(session_.get(), fd());
  SSL_set_mode(session_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Tickets would lie unread at a sender that only writes; its close would then reset the connection, and what is on
  // its way to us would be lost.
  (void)SSL_set_num_tickets(session_.get(), 0);
  SSL_set_accept_state(session_.get());
}

void Connection::start(const Accept& accept) {
  if (tls_ != nullptr && session_ == nullptr) return end();
  talk_ = accept(shared_from_this());
  if (talk_ == nullptr) return end();
  arm();
}

void Connection::arm() {
  if (armed_ || gone_ || closing_ || half_closed_ || !loop_.is_reading()) return;
  armed_ = true;
  auto ready = [self = shared_from_this()](ErrorCode error) {
    self->armed_ = false;
    if (!error) self->on_readable();
  };
  // What TLS has read ahead makes no socket readable.
  if (session_ && SSL_pending(session_.get()) > 0) return loop_.post([ready] { ready({}); });
  wait_.async_wait(Wait::wait_read, std::move(ready));
}

void Connection::on_readable() {
  if (gone_ || !loop_.is_reading()) return;
  size_t got = read_some();
  if (!gone_ && !unsent_.empty()) send_on();  // what a handshake had stopped
  bool may_rest = got > 0 && got < kBusyBytes && !gone_ && !closing_ && !talk_->owes_answers();
  if (!may_rest || !loop_.is_reading()) return arm();
  armed_ = true;
  loop_.rest(shared_from_this());
}

void Connection::look_again() {
  armed_ = false;
  on_readable();
}

Stopped Connection::why_stopped(int result) {
  if (!session_) return errno == EAGAIN || errno == EINTR ? Stopped::kLater : Stopped::kBroken;
  int why = SSL_get_error(session_.get(), result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    (void)is_shaken();
    return Stopped::kLater;
  }
  if (why == SSL_ERROR_ZERO_RETURN) return Stopped::kEnd;
  if (!shaken_) {
    tls_->note_failed_handshake();
    loop_.counters().closed("handshake");
  }
  ERR_clear_error();
  return Stopped::kBroken;
}

size_t Connection::read_bytes(char* to, size_t bytes_max, Stopped& stopped) {
  if (!session_) {
    ssize_t got = ::read(fd(), to, bytes_max);
    if (got > 0) return static_cast<size_t>(got);
    stopped = got == 0 ? Stopped::kEnd : why_stopped(-1);
    return 0;
  }
  size_t all = 0;
  while (all < bytes_max) {  // records are small: several at once
    int got = SSL_read(session_.get(), to + all, static_cast<int>(bytes_max - all));
    if (got > 0) {
      all += static_cast<size_t>(got);
      shaken_ = true;
      continue;
    }
    Stopped why = why_stopped(got);
    if (all == 0) stopped = why;
    break;
  }
  return all;
}

size_t Connection::send_bytes(std::string_view bytes, Stopped& stopped) {
  if (!session_) {
    ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<size_t>(sent);
    stopped = why_stopped(-1);
    return 0;
  }
  int sent = SSL_write(session_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), INT32_MAX)));
  if (sent > 0) return static_cast<size_t>(sent);
  stopped = why_stopped(sent);
  return 0;
}

size_t Connection::read_some() {
  if (gone_ || closing_ || half_closed_) return 0;
  std::string& buffer = loop_.buffer();
  size_t before = held_.size();
  bool copied = before <= kCopiedHeldBytes;
  if (copied) {
    std::memcpy(buffer.data(), held_.data(), before);
  } else {
    held_.resize(before + kReadBytes);
  }
  char* to = (copied ? buffer.data() : held_.data()) + before;
  Stopped stopped = Stopped::kEnd;
  size_t got = read_bytes(to, copied ? buffer.size() - before : kReadBytes, stopped);
  if (!copied) held_.resize(before + got);
  if (got == 0 && stopped != Stopped::kEnd) {
    if (stopped == Stopped::kBroken) end();
    return 0;
  }
  last_ms_ = loop_.now_ms();
  loop_.counters().bytes.add(got);
  std::string_view all = copied ? std::string_view(buffer).substr(0, before + got) : std::string_view(held_);
  if (!take(all, got == 0)) return 0;
  if (got > 0) return got;
  half_closed_ = true;
  if (!talk_->owes_answers()) close();
  return 0;
}

bool Connection::take(std::string_view bytes, bool last) {
  taking_ = true;
  Result<size_t> taken = talk_->take(bytes, last);
  taking_ = false;
  if (gone_) {  // ended while the conversation ran
    talk_.reset();
    return false;
  }
  if (!taken.ok()) {
    give_up(code_name(taken.error().code()));
    return false;
  }
  return hold(bytes.substr(*taken));
}

bool Connection::hold(std::string_view rest) {
  if (rest.size() > loop_.limits().held_bytes_max) {
    give_up(code_name(Code::kTooLarge));
    return false;
  }
  bool own = rest.data() >= held_.data() && rest.data() <= held_.data() + held_.size();
  if (own) {
    held_.erase(0, static_cast<size_t>(rest.data() - held_.data()));
  } else {
    held_.assign(rest);
  }
  if (held_.empty() && held_.capacity() > kCopiedHeldBytes) std::string().swap(held_);
  bool fits = loop_.change_held(std::exchange(counted_held_, held_.size()), held_.size());
  if (!fits) give_up(code_name(Code::kOverloaded));
  return fits;
}

void Connection::give_up(std::string_view reason) {
  loop_.counters().closed(reason);
  close();
}

void Connection::send(std::string_view bytes) {
  if (gone_) return;
  if (unsent_.empty()) {
    Stopped stopped = Stopped::kLater;
    bytes.remove_prefix(send_bytes(bytes, stopped));
    if (stopped == Stopped::kBroken) return end();
    if (bytes.empty()) return;
  }
  if (unsent_.size() - sent_ + bytes.size() > loop_.limits().unsent_bytes_max) {
    loop_.counters().closed("unsent");
    return end();
  }
  unsent_.append(bytes);
  // During a handshake the socket takes bytes and TLS does not: what comes next brings it on.
  if (!session_ || is_shaken()) arm_writing();
}

void Connection::arm_writing() {
  if (writing_armed_) return;
  writing_armed_ = true;
  wait_.async_wait(Wait::wait_write, [self = shared_from_this()](ErrorCode error) {
    self->writing_armed_ = false;
    if (!error && !self->gone_) self->send_on();
  });
}

void Connection::send_on() {
  if (session_ && !is_shaken()) return;
  Stopped stopped = Stopped::kLater;
  sent_ += send_bytes(std::string_view(unsent_).substr(sent_), stopped);
  if (stopped == Stopped::kBroken) return end();
  if (sent_ < unsent_.size()) return arm_writing();
  unsent_.clear();
  sent_ = 0;
  if (closing_) end();
}

void Connection::close() {
  if (gone_) return;
  closing_ = true;
  if (unsent_.empty()) end();
}

void Connection::end() {
  if (gone_) return;
  gone_ = true;
  if (session_ && shaken_) {
    (void)SSL_shutdown(session_.get());
    ERR_clear_error();
  }
  (void)loop_.change_held(std::exchange(counted_held_, 0), 0);
  ErrorCode ignored;
  wait_.close(ignored);
  std::shared_ptr<Connection> self = shared_from_this();
  loop_.forget(self);
  if (!taking_) talk_.reset();
}

void Connection::close_if_idle(uint64_t now_ms, uint64_t idle_ms) {
  bool shaking = session_ && !shaken_;
  if (shaking) idle_ms = std::min<uint64_t>(idle_ms, loop_.limits().handshake_timeout_ms);
  if (gone_ || now_ms < last_ms_ + idle_ms) return;
  loop_.counters().closed("idle");
  end();
}

bool Loop::change_held(size_t before, size_t after) {
  held_bytes_ += after;
  held_bytes_ -= before;
  return held_bytes_ <= limits_.held_bytes_all_max;
}

Status Loop::listen(const Endpoint& endpoint, Accept accept) {
  Endpoint bound = endpoint;
  Descriptor socket = CLEW_TRY(open_listening(bound, limits_.receive_buffer_bytes));
  endpoints_.push_back(bound);
  doors_.push_back(std::make_unique<Door>(io_, std::move(socket), std::move(accept), endpoint.tls));
  accept_next(*doors_.back());
  return {};
}

Status Loop::listen(const Endpoint& endpoint, TakeDatagram take) {
  Endpoint bound = endpoint;
  Descriptor socket = CLEW_TRY(open_listening(bound, limits_.receive_buffer_bytes));
  if (!datagrams_) datagrams_ = std::make_unique<DatagramBuffers>();
  endpoints_.push_back(bound);
  boxes_.push_back(std::make_unique<Letterbox>(io_, std::move(socket), std::move(take)));
  arm(*boxes_.back());
  return {};
}

void Loop::accept_next(Door& door) {
  door.wait.async_wait(Wait::wait_read, [this, &door](ErrorCode error) {
    if (error) return;
    int at = 0;
    while (at < kAcceptsAtOnce && accept_one(door)) ++at;
    // Out of descriptors and the like: a pause, or this would spin.
    if (at > 0 || errno == EAGAIN) return accept_next(door);
    after(kPauseMs, [this, &door] { accept_next(door); });
  });
}

bool Loop::accept_one(Door& door) {
  sockaddr_storage peer{};
  socklen_t bytes = sizeof peer;
  Descriptor socket(
      ::accept4(door.wait.native_handle(), reinterpret_cast<sockaddr*>(&peer), &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.fd() < 0) return false;
  if (connections_.size() >= limits_.connections_max) {
    counters_.refused.add();
    return true;
  }
  int one = 1;
  (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  (void)::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  counters_.connections.add();
  auto connection = std::make_shared<Connection>(*this, io_, std::move(socket), peer_text(peer), door.tls);
  connections_.insert(connection);
  connection->start(door.accept);
  return true;
}

void Loop::arm(Letterbox& box) {
  if (box.armed || !reading_) return;
  box.armed = true;
  box.wait.async_wait(Wait::wait_read, [this, &box](ErrorCode error) {
    box.armed = false;
    if (!error) read_box(box);
  });
}

void Loop::read_box(Letterbox& box) {
  unsigned all = 0;
  unsigned got = kDatagramsAtOnce;
  for (int i = 0; i < kRoundsBeforeOthers && reading_ && got == kDatagramsAtOnce; ++i) all += got = receive(box);
  if (!reading_) return;
  if (all == 0 || got == kDatagramsAtOnce) return arm(box);
  box.begin_rest();
  rest_on();
}

void Loop::rest_on() {
  if (std::exchange(rest_runs_, true)) return;
  rest_.expires_after(std::chrono::milliseconds(kRestMs));
  rest_.async_wait([this](ErrorCode error) {
    rest_runs_ = false;
    if (!error) end_rest();
  });
}

void Loop::end_rest() {
  for (const auto& box : boxes_) {
    if (box->end_rest()) read_box(*box);
  }
  std::vector<std::shared_ptr<Connection>> rested = std::exchange(resting_, {});
  for (const auto& connection : rested) connection->look_again();
}

unsigned Loop::receive(Letterbox& box) {
  for (unsigned i = 0; i < kDatagramsAtOnce; ++i) datagrams_->headers[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  int got = ::recvmmsg(box.fd(), datagrams_->headers, kDatagramsAtOnce, MSG_DONTWAIT, nullptr);
  if (got <= 0) return 0;
  counters_.datagrams.add(static_cast<uint64_t>(got));
  uint64_t bytes = 0;
  for (int i = 0; i < got; ++i) {
    const mmsghdr& header = datagrams_->headers[i];
    const sockaddr_storage& peer = datagrams_->peers[i];
    if (header.msg_hdr.msg_namelen >= sizeof(sockaddr_in) &&
        std::memcmp(&peer, &box.last_peer, header.msg_hdr.msg_namelen) != 0) {
      std::memcpy(&box.last_peer, &peer, header.msg_hdr.msg_namelen);
      box.last_text = peer_text(peer);
    }
    bytes += header.msg_len;
    box.take({static_cast<const char*>(datagrams_->parts[i].iov_base), header.msg_len}, box.last_text);
  }
  counters_.bytes.add(bytes);
  return static_cast<unsigned>(got);
}

void Loop::set_reading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (!on) return;
  std::vector<std::shared_ptr<Connection>> open(connections_.begin(), connections_.end());
  for (const auto& connection : open) connection->arm();
  for (const auto& box : boxes_) {
    if (box->resting.fd() < 0) arm(*box);
  }
}

void Loop::read_waiting() {
  for (const auto& box : boxes_) {
    for (int i = 0; i < kRoundsAtTheEnd && receive(*box) > 0; ++i) {
    }
  }
  std::vector<std::shared_ptr<Connection>> open(connections_.begin(), connections_.end());
  for (const auto& connection : open) {
    for (int i = 0; i < kRoundsAtTheEnd && connection->read_some() > 0; ++i) {
    }
  }
}

void Loop::after(uint32_t ms, std::function<void()> call) {
  auto timer = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(ms));
  timer->async_wait([timer, call = std::move(call)](ErrorCode error) {
    if (!error) call();
  });
}

void Loop::note_dropped() {
  for (const auto& box : boxes_) {
    uint64_t dropped = dropped_datagrams(box->fd());
    if (dropped > box->dropped) counters_.dropped.add(dropped - box->dropped);
    box->dropped = dropped;
  }
}

void Loop::sweep_next() {
  sweep_.expires_after(std::chrono::milliseconds(kSweepMs));
  sweep_.async_wait([this](ErrorCode error) {
    if (error) return;
    note_dropped();
    std::vector<std::shared_ptr<Connection>> open(connections_.begin(), connections_.end());
    uint64_t now = now_ms();
    for (const auto& connection : open) {
      if (reading_) connection->close_if_idle(now, limits_.idle_timeout_ms);
    }
    sweep_next();
  });
}

void Loop::run() {
  pthread_setname_np(pthread_self(), "clew-listen");
  sweep_next();
  io_.run();
}

void Loop::end_all() {
  note_dropped();
  std::vector<std::shared_ptr<Connection>> open(connections_.begin(), connections_.end());
  for (const auto& connection : open) connection->end();
  io_.stop();
}

}  // namespace

std::unique_ptr<SocketLoop> make_socket_loop(const SocketLimits& limits, const std::string& source,
                                             base::Registry& metrics) {
  return std::make_unique<Loop>(limits, source, metrics);
}

}  // namespace clew::net
