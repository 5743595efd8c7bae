// A WebSocket that a live stream is written to. What the client sends is read and thrown away, so that its pings are
// answered and its going noticed.
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

#include "net/http_connection.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using Upgrade = http::request<http::empty_body>;

constexpr size_t kReadMessageBytesMax = 64u << 10;
constexpr auto kHandshakeTimeout = std::chrono::seconds(10);
// Half of this without a word from the client and it gets a ping; all of it and it has gone.
constexpr auto kSilenceMax = std::chrono::seconds(120);

Upgrade upgrade_of(const Request& request) {
  Upgrade out;
  out.method_string(request.method);
  out.target(request.target);
  out.version(11);
  for (const auto& [name, value] : request.headers) out.insert(name, value);
  return out;
}

class WebSocket final : public std::enable_shared_from_this<WebSocket> {
 public:
  explicit WebSocket(ConnectionPtr connection) : connection_(std::move(connection)), strand_(connection_->strand()) {}

  void begin(Upgrade upgrade, std::string first) {
    if (!first.empty()) (void)offer(std::move(first));
    asio::post(strand_, [self = shared_from_this(), upgrade = std::move(upgrade)]() mutable {
      self->accept(std::move(upgrade));
    });
  }

  bool offer(std::string piece) {
    if (gone()) return false;
    {
      base::MutexLock lock(mutex_);
      if (unsent_bytes_ > kLiveBufferBytes) {
        room_wanted_ = true;
        return false;
      }
      unsent_bytes_ += piece.size();
      waiting_.push_back(std::move(piece));
    }
    asio::post(strand_, [self = shared_from_this()] { self->write_next(); });
    return true;
  }

  bool has_room() {
    base::MutexLock lock(mutex_);
    bool room = unsent_bytes_ <= kLiveBufferBytes;
    room_wanted_ = room_wanted_ || !room;
    return room;
  }
  bool gone() const { return gone_.load(std::memory_order_relaxed); }

  void on_change(std::function<void()> changed) {
    bool now = false;
    {
      base::MutexLock lock(mutex_);
      changed_ = changed;
      now = gone();
    }
    if (now) changed();
  }

  void end() {
    asio::post(strand_, [self = shared_from_this()] {
      self->ending_ = true;
      self->write_next();
    });
  }

  void cut() {
    asio::post(strand_, [self = shared_from_this()] { self->lost(); });
  }

 private:
  void accept(Upgrade upgrade) {
    std::weak_ptr<WebSocket> weak = weak_from_this();
    socket_.emplace(connection_->take_socket([weak] {
      if (auto self = weak.lock()) self->cut();
    }));
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = kHandshakeTimeout;
    timeout.idle_timeout = kSilenceMax;
    timeout.keep_alive_pings = true;
    socket_->set_option(timeout);
    socket_->read_message_max(kReadMessageBytesMax);
    socket_->text(true);
    socket_->async_accept(upgrade, [self = shared_from_this()](ErrorCode error) {
      if (error) return self->lost();
      self->open_ = true;
      self->read_next();
      self->write_next();
    });
  }

  void read_next() {
    socket_->async_read(read_, [self = shared_from_this()](ErrorCode error, size_t) {
      if (error) return self->lost();
      self->read_.clear();
      self->read_next();
    });
  }

  void write_next() {
    if (!open_ || writing_ || gone()) return;
    bool none = false;
    {
      base::MutexLock lock(mutex_);
      none = waiting_.empty();
      if (!none) {
        on_wire_ = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    if (none) {
      if (ending_) close();
      return;
    }
    writing_ = true;
    socket_->async_write(asio::buffer(on_wire_), [self = shared_from_this()](ErrorCode error, size_t) {
      self->writing_ = false;
      if (error) return self->lost();
      self->on_written();
      self->write_next();
    });
  }

  void on_written() {
    std::function<void()> changed;
    {
      base::MutexLock lock(mutex_);
      unsent_bytes_ -= on_wire_.size();
      if (room_wanted_ && unsent_bytes_ <= kLiveBufferBytes / 2) {
        room_wanted_ = false;
        changed = changed_;
      }
    }
    if (changed) changed();
  }

  void close() {
    if (std::exchange(closing_, true)) return;
    socket_->async_close(websocket::close_code::going_away, [self = shared_from_this()](ErrorCode) { self->lost(); });
  }

  void lost() {
    if (gone_.exchange(true)) return;
    ErrorCode ignored;
    if (socket_) beast::get_lowest_layer(*socket_).close(ignored);
    std::function<void()> changed;
    {
      base::MutexLock lock(mutex_);
      changed = std::move(changed_);
      changed_ = nullptr;
    }
    if (changed) changed();
  }

  // Kept so that the socket counts among the server's connections, and is closed with them.
  ConnectionPtr connection_;
  const Strand strand_;
  std::optional<websocket::stream<HttpStream>> socket_;  // this and the next on the strand
  beast::flat_buffer read_;
  std::string on_wire_;
  bool open_ = false;
  bool writing_ = false;
  bool ending_ = false;
  bool closing_ = false;
  std::atomic<bool> gone_{false};
  base::Mutex mutex_;
  std::deque<std::string> waiting_ CLEW_GUARDED_BY(mutex_);
  size_t unsent_bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  bool room_wanted_ CLEW_GUARDED_BY(mutex_) = false;
  std::function<void()> changed_ CLEW_GUARDED_BY(mutex_);
};

// What the writer holds: the socket keeps itself while something is read from it.
class WebSocketStream final : public LiveStream {
 public:
  explicit WebSocketStream(std::shared_ptr<WebSocket> socket) : socket_(std::move(socket)) {}
  ~WebSocketStream() override {
    if (!ended_.load()) socket_->cut();
  }
  bool offer(std::string piece) override { return socket_->offer(std::move(piece)); }
  bool has_room() override { return socket_->has_room(); }
  bool gone() const override { return socket_->gone(); }
  void on_change(std::function<void()> changed) override { socket_->on_change(std::move(changed)); }
  void end() override {
    if (!ended_.exchange(true)) socket_->end();
  }
  void cut() override { socket_->cut(); }

 private:
  std::shared_ptr<WebSocket> socket_;
  std::atomic<bool> ended_{false};
};

}  // namespace

Result<LiveStreamPtr> accept_websocket(const ConnectionPtr& connection, std::string first) {
  Upgrade upgrade = upgrade_of(connection->request());
  if (!websocket::is_upgrade(upgrade)) {
    return Error(Code::kInvalid,
                 "not a request for a WebSocket: it takes GET with Connection: Upgrade, Upgrade: "
                 "websocket, Sec-WebSocket-Version: 13 and Sec-WebSocket-Key");
  }
  if (connection->has_more_bytes()) return Error(Code::kInvalid, "frames were sent before the WebSocket was accepted");
  auto socket = std::make_shared<WebSocket>(connection);
  socket->begin(std::move(upgrade), std::move(first));
  return LiveStreamPtr(std::make_shared<WebSocketStream>(std::move(socket)));
}

}  // namespace clew::net
