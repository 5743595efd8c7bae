// Connection: its beginning, its deadlines and its end; and the table of those that are open.
#include "net/http_connection.h"

#include <openssl/ssl.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

namespace clew::net {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kSpeakTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 44\r\nConnection: close\r\n\r\n"
    "this port speaks TLS: write https://, please";

}  // namespace

Connections::Connections(HttpLimits limits, HttpServerParts parts)
    : limits_(limits),
      parts_(std::move(parts)),
      pool_(parts_.budget),
      requests_(parts_.metrics.counter("clew_http_requests_total", "HTTP requests read")) {}

bool Connections::add(const ConnectionPtr& connection) {
  base::MutexLock lock(mutex_);
  if (open_.size() >= limits_.connections_max) return false;
  open_.emplace(connection.get(), connection);
  return true;
}

void Connections::forget(const Connection* connection) {
  base::MutexLock lock(mutex_);
  open_.erase(connection);
}

std::vector<ConnectionPtr> Connections::open() {
  std::vector<ConnectionPtr> open;
  base::MutexLock lock(mutex_);
  open.reserve(open_.size());
  for (auto& [key, weak] : open_) {
    if (ConnectionPtr connection = weak.lock()) open.push_back(std::move(connection));
  }
  return open;
}

Connection::Connection(Connections& all, Socket socket, std::string peer)
    : all_(all),
      socket_(std::move(socket)),
      strand_(socket_.get_executor()),
      peer_(std::move(peer)),
      in_(kHeaderBytesMax + kReadBytes),
      raw_(&all.parts().budget),
      decoded_(&all.parts().budget),
      watch_timer_(strand_) {}

Connection::~Connection() { all_.forget(this); }

void Connection::deadline_in(uint32_t ms) {
  deadline_ns_.store(all_.now_ns() + uint64_t{ms} * 1'000'000, std::memory_order_relaxed);
}

void Connection::close_if_late(uint64_t now_ns) {
  if (deadline_ns_.load(std::memory_order_relaxed) > now_ns) return;
  asio::post(strand_, [self = shared_from_this()] { self->lost(); });
}

void Connection::close_if_idle() {
  asio::post(strand_, [self = shared_from_this()] {
    if (self->is_idle()) self->lost();
  });
}

void Connection::start() {
  asio::post(strand_, [self = shared_from_this()] { self->read_request(); });
}

void Connection::start_tls(ssl_st* session) {
  socket_.use_tls(session);
  asio::post(strand_, [self = shared_from_this()] { self->shake_hands(); });
}

void Connection::shake_hands() {
  deadline_in(all_.limits().header_timeout_ms);
  socket_.async_handshake([self = shared_from_this()](ErrorCode error) { self->on_handshake(error); });
}

void Connection::on_handshake(ErrorCode error) {
  if (!error) return read_request();
  all_.parts().tls->note_failed_handshake();
  bool plain_http = error.category() == asio::error::get_ssl_category() &&
                    ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
  if (!plain_http) return lost();
  asio::async_write(socket_.socket(), asio::buffer(kSpeakTls),
                    [self = shared_from_this()](ErrorCode, size_t) { self->lost(); });
}

// The client has gone, or must go: everything waiting learns of it.
void Connection::lost() {
  if (closing_.exchange(true)) return;
  gone_.store(true, std::memory_order_relaxed);
  no_deadline();
  watch_timer_.cancel();
  ErrorCode ignored;
  socket_.shutdown(Tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  out_room_.notify_all();
  std::function<void()> callback;
  {
    base::MutexLock lock(gone_mutex_);
    callback = std::move(on_gone_);
    on_gone_ = nullptr;
  }
  if (callback) callback();
  if (cut_taken_) cut_taken_();
}

HttpStream Connection::take_socket(std::function<void()> cut) {
  no_deadline();
  cut_taken_ = std::move(cut);
  return std::move(socket_);
}

void Connection::close_now() {
  asio::post(strand_, [self = shared_from_this()] { self->lost(); });
}

void Connection::release_body() {
  request_.body = {};
  all_.pool().give(std::move(raw_));
  all_.pool().give(std::move(decoded_));
}

}  // namespace clew::net
