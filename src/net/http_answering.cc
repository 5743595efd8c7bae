// Connection: answers sent, whole or streamed; the client's going away noticed.
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstdio>

#include "net/http_connection.h"
#include "net/status.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;

constexpr size_t kWriteBytes = 256u << 10;                    // handed to the socket at a time
constexpr auto kWatchEvery = std::chrono::milliseconds(250);  // for a client of TLS that hangs up
constexpr uint32_t kLingerMs = 2'000;  // how long a refused body is read away so that the answer arrives

std::string chunk_of(std::string_view bytes) {
  char head[24];
  int n = std::snprintf(head, sizeof head, "%zx\r\n", bytes.size());
  std::string chunk;
  chunk.reserve(bytes.size() + static_cast<size_t>(n) + 2);
  chunk.append(head, static_cast<size_t>(n)).append(bytes).append("\r\n");
  return chunk;
}

}  // namespace

std::string Connection::head_of(const Response& response, bool stream) const {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + http_reason(response.status) + "\r\n";
  bool bodiless = response.status == 204 || response.status == 304;
  if (!response.content_type.empty() && !bodiless) head += "Content-Type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) {
    head += name + ": ";
    for (char c : value) head.push_back(c == '\r' || c == '\n' ? ' ' : c);
    head += "\r\n";
  }
  if (stream) {
    if (!http_1_0_) head += "Transfer-Encoding: chunked\r\n";
  } else if (!bodiless) {
    head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  }
  if (!keep_alive_ || close_after_ || (stream && http_1_0_))
    head += "Connection: close\r\n";
  else if (http_1_0_)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
  return head;
}

void Connection::send(Response response, bool stream) {
  if (stream && http_1_0_) close_after_ = true;
  if (all_.draining()) keep_alive_ = false;
  std::string head = head_of(response, stream);
  bool has_body = request_.method != "HEAD" && response.status != 204 && response.status != 304;
  {
    base::MutexLock lock(out_mutex_);
    out_chunked_ = stream && !http_1_0_;
    out_end_ = !stream;
    if (has_body && !response.body.empty()) {
      if (response.body.size() < 16'384 || out_chunked_) {
        head += out_chunked_ ? chunk_of(response.body) : response.body;
        out_bytes_ += head.size();
        out_.push_back(std::move(head));
      } else {
        out_bytes_ += head.size() + response.body.size();
        out_.push_back(std::move(head));
        out_.push_back(std::move(response.body));
      }
    } else {
      out_bytes_ += head.size();
      out_.push_back(std::move(head));
    }
  }
  // From a handler on this strand the write begins at once, else it is posted there.
  asio::dispatch(strand_, [self = shared_from_this()] { self->start_write(); });
}

bool Connection::stream_write(std::string bytes) {
  if (gone()) return false;
  if (bytes.empty()) return true;
  if (request_.method == "HEAD") return true;
  {
    base::MutexLock lock(out_mutex_);
    while (out_bytes_ > kStreamBufferBytes && !gone()) {
      out_room_.wait_for(out_mutex_, std::chrono::milliseconds(200));
    }
    if (gone()) return false;
    std::string chunk = out_chunked_ ? chunk_of(bytes) : std::move(bytes);
    out_bytes_ += chunk.size();
    out_.push_back(std::move(chunk));
  }
  asio::post(strand_, [self = shared_from_this()] { self->start_write(); });
  return true;
}

bool Connection::live_offer(std::string bytes) {
  if (gone()) return false;
  if (bytes.empty() || request_.method == "HEAD") return true;
  {
    base::MutexLock lock(out_mutex_);
    if (out_bytes_ > kLiveBufferBytes) {
      room_wanted_ = true;
      return false;
    }
    std::string chunk = out_chunked_ ? chunk_of(bytes) : std::move(bytes);
    out_bytes_ += chunk.size();
    out_.push_back(std::move(chunk));
  }
  asio::post(strand_, [self = shared_from_this()] { self->start_write(); });
  return true;
}

bool Connection::live_has_room() {
  base::MutexLock lock(out_mutex_);
  bool room = out_bytes_ <= kLiveBufferBytes;
  room_wanted_ = room_wanted_ || !room;
  return room;
}

void Connection::on_live_room(std::function<void()> room) {
  live_.store(true);
  base::MutexLock lock(out_mutex_);
  on_room_ = std::move(room);
}

void Connection::stream_end() {
  {
    base::MutexLock lock(out_mutex_);
    if (out_end_) return;
    out_end_ = true;
    if (out_chunked_ && request_.method != "HEAD") {
      out_.emplace_back("0\r\n\r\n");
      out_bytes_ += 5;
    }
  }
  asio::post(strand_, [self = shared_from_this()] { self->start_write(); });
}

void Connection::start_write() {
  if (writing_ || closing_.load(std::memory_order_relaxed)) return;
  bool ended = false;
  {
    base::MutexLock lock(out_mutex_);
    on_wire_.clear();
    on_wire_.swap(out_);
    ended = out_end_;
  }
  if (on_wire_.empty()) {
    if (ended) after_answer();
    return;
  }
  writing_ = true;
  std::vector<asio::const_buffer> buffers;
  for (const std::string& piece : on_wire_) buffers.emplace_back(asio::buffer(piece));
  // Asked before each piece that the socket takes: whoever takes some bytes now and then is slow, not stalled.
  auto more = [self = shared_from_this()](const ErrorCode& error, size_t) -> size_t {
    if (error) return 0;
    self->stall_deadline();
    return kWriteBytes;
  };
  asio::async_write(socket_, buffers, std::move(more),
                    [self = shared_from_this()](ErrorCode error, size_t bytes) { self->on_written(error, bytes); });
}

void Connection::stall_deadline() {
  deadline_in(live_.load() ? all_.limits().live_stall_timeout_ms : all_.limits().write_stall_timeout_ms);
}

void Connection::on_written(ErrorCode error, size_t bytes) {
  writing_ = false;
  if (error) return lost();
  no_deadline();
  std::function<void()> room;
  {
    base::MutexLock lock(out_mutex_);
    out_bytes_ -= bytes;
    out_room_.notify_all();
    if (room_wanted_ && out_bytes_ <= kLiveBufferBytes / 2) {
      room_wanted_ = false;
      room = on_room_;
    }
  }
  if (room) room();
  start_write();
}

void Connection::after_answer() {
  {
    base::MutexLock lock(out_mutex_);
    if (!out_end_) return;
    out_end_ = false;
    on_room_ = nullptr;
  }
  live_.store(false);
  {
    base::MutexLock lock(gone_mutex_);
    on_gone_ = nullptr;
  }
  release_body();
  if (linger_after_) return linger();
  if (!keep_alive_ || close_after_) return socket_.is_tls() ? end_tls() : lost();
  if (watching_) {
    // The watch ends with an error that says nothing; reading goes on once it has.
    watching_ = false;
    ErrorCode ignored;
    socket_.is_tls() ? (void)watch_timer_.cancel() : (void)socket_.socket().cancel(ignored);
  }
  read_request();
}

// So that the client knows that the answer was not cut.
void Connection::end_tls() {
  deadline_in(kLingerMs);
  socket_.async_shutdown_tls([self = shared_from_this()](ErrorCode) { self->lost(); });
}

// Reads away what a refused client still sends, so that it sees the answer and not a reset.
void Connection::linger() {
  ErrorCode ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  if (in_.size() > 0) in_.consume(in_.size());
  if (linger_bytes_left_ == 0) {
    linger_bytes_left_ = all_.limits().body_bytes_max;
    deadline_in(kLingerMs);
  }
  socket_.async_read_some(in_.prepare(kReadBytes), [self = shared_from_this()](ErrorCode error, size_t bytes) {
    if (error || bytes >= self->linger_bytes_left_) return self->lost();
    self->linger_bytes_left_ -= bytes;
    self->linger();
  });
}

void Connection::watch(std::function<void()> gone) {
  {
    base::MutexLock lock(gone_mutex_);
    // lost() raises gone_ before it takes the callback, so one of the two sees the other.
    if (!this->gone()) on_gone_ = std::exchange(gone, nullptr);
  }
  if (gone) return gone();
  asio::dispatch(strand_, [self = shared_from_this()] {
    if (!self->watching_ && !self->is_idle()) self->begin_watch();
  });
}

void Connection::begin_watch() {
  watching_ = true;
  if (socket_.is_tls()) {
    watch_timer_.expires_after(kWatchEvery);
    watch_timer_.async_wait([self = shared_from_this(), number = ++watch_number_](ErrorCode error) {
      if (error || !self->watching_ || self->watch_number_ != number) return;
      self->peer_has_hung_up() ? self->lost() : self->begin_watch();
    });
    return;
  }
  socket_.socket().async_wait(Tcp::socket::wait_read,
                              [self = shared_from_this(), number = ++watch_number_](ErrorCode error) {
                                if (error || !self->watching_ || self->watch_number_ != number) return;
                                self->watching_ = false;
                                if (self->peer_has_closed()) self->lost();
                              });
}

// Never waits: what woke the watch may have been read since. (A receive of asio's would wait, and the strand with it.)
bool Connection::peer_has_closed() {
  char byte = 0;
  ssize_t bytes = ::recv(socket_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

// What TLS says last stands before the end of the bytes: only the socket itself tells that nobody is there.
bool Connection::peer_has_hung_up() {
  pollfd poll{.fd = socket_.socket().native_handle(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace clew::net
