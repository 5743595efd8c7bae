// HttpStream: a connection's bytes, plain or through TLS; inside net/ only. It is a stream to asio and Beast.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace clew::net {

using Tcp = boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using Socket = boost::asio::basic_stream_socket<Tcp, Strand>;

// Threads: its strand.
class HttpStream {
 public:
  using executor_type = Socket::executor_type;

  explicit HttpStream(Socket socket) : plain_(std::move(socket)) {}

  executor_type get_executor() { return socket().get_executor(); }
  Socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }
  bool is_tls() const { return tls_ != nullptr; }

  // Owns the session from now on.
  void use_tls(ssl_st* session) {
    tls_ = std::make_unique<Tls>(std::move(*plain_), session);
    plain_.reset();
  }
  // Requires: is_tls().
  template <class Handler>
  void async_handshake(Handler&& handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  // Tells the client that nothing follows, and waits until it has said the same. Requires: is_tls().
  template <class Handler>
  void async_shutdown_tls(Handler&& handler) {
    tls_->async_shutdown(std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_)
      tls_->async_read_some(buffers, std::forward<Handler>(handler));
    else
      plain_->async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_)
      tls_->async_write_some(buffers, std::forward<Handler>(handler));
    else
      plain_->async_write_some(buffers, std::forward<Handler>(handler));
  }

  void shutdown(Socket::shutdown_type what, ErrorCode& error) { socket().shutdown(what, error); }
  void close(ErrorCode& error) { socket().close(error); }

  // How Beast's WebSocket ends a connection.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, HttpStream& stream, Handler&& handler) {
    if (stream.tls_)
      boost::beast::async_teardown(role, *stream.tls_, std::forward<Handler>(handler));
    else
      boost::beast::websocket::async_teardown(role, *stream.plain_, std::forward<Handler>(handler));
  }
  friend void beast_close_socket(HttpStream& stream) {
    ErrorCode ignored;
    stream.close(ignored);
  }

 private:
  using Tls = boost::asio::ssl::stream<Socket>;
  std::optional<Socket> plain_;  // this
  std::unique_ptr<Tls> tls_;     // or this
};

}  // namespace clew::net
