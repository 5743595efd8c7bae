// One HTTP/1.1 connection; inside net/ only. A connection lives on a strand: a request is read, handled and answered in
// turn. http_reading.cc takes the request in, http_answering.cc sends what the handler says, http_server.cc accepts.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "net/buffer.h"
#include "net/http_server.h"
#include "net/http_stream.h"

namespace clew::net {

constexpr size_t kReadBytes = 16u << 10;  // header reads
constexpr uint64_t kNever = UINT64_MAX;

class Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

// What the connections of one server share, and which of them are open.
//
// Threads:  all functions on any thread.
// Lifetime: outlives the connections.
class Connections {
 public:
  Connections(HttpLimits limits, HttpServerParts parts);

  const HttpLimits& limits() const { return limits_; }
  HttpServerParts& parts() { return parts_; }
  BufferPool& pool() { return pool_; }
  base::Counter& requests() { return requests_; }
  uint64_t now_ns() const { return parts_.clock.monotonic_ns(); }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }
  // False when it was draining before.
  bool begin_draining() { return !draining_.exchange(true); }

  // False when there are too many already.
  bool add(const ConnectionPtr& connection);
  void forget(const Connection* connection);
  std::vector<ConnectionPtr> open();

 private:
  const HttpLimits limits_;
  HttpServerParts parts_;
  BufferPool pool_;
  base::Counter& requests_;
  std::atomic<bool> draining_{false};
  base::Mutex mutex_;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> open_ CLEW_GUARDED_BY(mutex_);
};

// Threads:  its strand, but what says otherwise.
// Lifetime: kept by what it waits for and by its exchange.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Connections& all, Socket socket, std::string peer);
  ~Connection();

  void start();
  // The same through TLS, of which this is the server's side; owns it.
  void start_tls(ssl_st* session);
  void close_now();
  // Called by the sweep, on the sweep's thread.
  void close_if_late(uint64_t now_ns);
  void close_if_idle();
  bool is_idle() const { return idle_.load(std::memory_order_relaxed); }

  // The answering side; called through Exchange on any thread.
  void send(Response response, bool stream);
  bool stream_write(std::string bytes);
  void stream_end();
  void watch(std::function<void()> gone);
  bool gone() const { return gone_.load(std::memory_order_relaxed); }
  void release_body();

  // The side of a live stream; on any thread.
  bool live_offer(std::string bytes);
  bool live_has_room();
  void on_live_room(std::function<void()> room);

  // Hands the socket over to a protocol that follows HTTP on it; on the strand, while nothing is read or written. `cut`
  // closes it when the server says so.
  HttpStream take_socket(std::function<void()> cut);
  const Strand& strand() const { return strand_; }
  // True when the client has sent more than its request.
  bool has_more_bytes() const { return in_.size() > 0; }

  const Request& request() const { return request_; }

 private:
  void deadline_in(uint32_t ms);
  void no_deadline() { deadline_ns_.store(kNever, std::memory_order_relaxed); }

  void shake_hands();
  void on_handshake(ErrorCode error);
  void read_request();
  void read_header_more();
  void on_header_bytes(ErrorCode error, size_t bytes);
  void parse_header();
  bool fill_request();
  void begin_body();
  void continue_then_read();
  void read_body();
  void on_body_bytes(ErrorCode error, size_t bytes);
  void read_chunks();
  bool take_chunk_bytes();
  void finish_body();
  void handle();
  void refuse(Error error, bool close);

  std::string head_of(const Response& response, bool stream) const;
  void start_write();
  void stall_deadline();
  void on_written(ErrorCode error, size_t bytes);
  void after_answer();
  void linger();
  void end_tls();
  void lost();
  void begin_watch();
  bool peer_has_closed();
  bool peer_has_hung_up();

  Connections& all_;
  HttpStream socket_;
  const Strand strand_;  // the socket's, which take_socket takes along
  std::string peer_;
  boost::beast::flat_buffer in_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
  Request request_;
  Buffer raw_;
  Buffer decoded_;
  uint64_t body_left_ = 0;
  // Chunked bodies: bytes left in the chunk at hand, and where in the framing we are.
  enum class ChunkState : uint8_t { kSize, kData, kDataEnd, kTrailer, kDone, kBad };
  ChunkState chunk_state_ = ChunkState::kSize;
  uint64_t chunk_left_ = 0;
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  bool close_after_ = false;
  bool linger_after_ = false;
  bool request_began_ = false;
  uint64_t linger_bytes_left_ = 0;
  std::atomic<bool> idle_{true};
  std::atomic<uint64_t> deadline_ns_{kNever};
  std::atomic<bool> gone_{false};
  std::atomic<bool> closing_{false};

  // Outgoing bytes: filled by any thread, written by the strand.
  base::Mutex out_mutex_;
  base::CondVar out_room_;
  std::deque<std::string> out_ CLEW_GUARDED_BY(out_mutex_);
  size_t out_bytes_ CLEW_GUARDED_BY(out_mutex_) = 0;
  bool out_end_ CLEW_GUARDED_BY(out_mutex_) = false;
  bool room_wanted_ CLEW_GUARDED_BY(out_mutex_) = false;  // a piece of a live stream was refused
  std::function<void()> on_room_ CLEW_GUARDED_BY(out_mutex_);
  std::atomic<bool> live_{false};
  bool out_chunked_ = false;
  bool writing_ = false;
  std::deque<std::string> on_wire_;

  base::Mutex gone_mutex_;
  std::function<void()> on_gone_ CLEW_GUARDED_BY(gone_mutex_);
  std::function<void()> cut_taken_;  // of take_socket, on the strand
  // The watch for the client's end, on the strand. A watch has a number: it may fire when it is over already.
  bool watching_ = false;
  uint64_t watch_number_ = 0;
  boost::asio::steady_timer watch_timer_;  // with TLS, whose bytes do not tell
};

// The request and its answer, as the handler gets them.
ExchangePtr exchange_of(ConnectionPtr connection);

// Goes on as a WebSocket (web_socket.cc). Errors: kInvalid when the request asks for none.
Result<LiveStreamPtr> accept_websocket(const ConnectionPtr& connection, std::string first);

}  // namespace clew::net
