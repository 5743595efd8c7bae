// Connections live on a strand each: a request is read, handled and answered in turn. A sweep once in 250 ms closes
// connections whose deadline passed, so that no timer is armed per read.
#include "net/http_server.h"

#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "net/decompress.h"
#include "net/status.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using Strand = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<Tcp, Strand>;

constexpr uint64_t kNever = UINT64_MAX;
constexpr uint32_t kSweepMs = 250;
constexpr uint32_t kLingerMs = 2'000;     // how long a refused body is read away so that the answer arrives
constexpr size_t kReadBytes = 16u << 10;  // header reads
constexpr size_t kLargeReadBytes = 1u << 20;

class Server;

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, Socket socket, std::string peer);
  ~Connection();

  void start();
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

 private:
  friend class ExchangeOf;
  void deadline_in(uint32_t ms);
  void no_deadline() { deadline_ns_.store(kNever, std::memory_order_relaxed); }

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
  void on_written(ErrorCode error, size_t bytes);
  void after_answer();
  void linger();
  void lost();
  void begin_watch();
  bool peer_has_closed();

  Server& server_;
  Socket socket_;
  std::string peer_;
  beast::flat_buffer in_;
  std::optional<http::request_parser<http::empty_body>> parser_;
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
  bool out_chunked_ = false;
  bool writing_ = false;
  std::deque<std::string> on_wire_;

  base::Mutex gone_mutex_;
  std::function<void()> on_gone_ CLEW_GUARDED_BY(gone_mutex_);
  // The watch for the client's end, on the strand. A watch has a number: it may fire when it is over already.
  bool watching_ = false;
  uint64_t watch_number_ = 0;
};
using ConnectionPtr = std::shared_ptr<Connection>;

class ExchangeOf final : public Exchange {
 public:
  explicit ExchangeOf(ConnectionPtr connection) : connection_(std::move(connection)) {}
  ~ExchangeOf() override {
    if (!answered_)
      connection_->send({.status = 500, .headers = {}, .body = "{\"error\":\"no answer\"}\n"}, false);
    else if (streaming_)
      connection_->stream_end();
  }
  const Request& request() const override { return connection_->request_; }
  void release_body() override { connection_->release_body(); }
  void answer(Response response) override {
    answered_ = true;
    connection_->send(std::move(response), false);
  }
  void begin_stream(Response response) override {
    answered_ = true;
    streaming_ = true;
    connection_->send(std::move(response), true);
  }
  bool stream_write(std::string bytes) override { return connection_->stream_write(std::move(bytes)); }
  void stream_end() override {
    streaming_ = false;
    connection_->stream_end();
  }
  void on_disconnect(std::function<void()> gone) override { connection_->watch(std::move(gone)); }
  bool disconnected() const override { return connection_->gone(); }

 private:
  ConnectionPtr connection_;
  bool answered_ = false;
  bool streaming_ = false;
};

class Server final : public HttpServer {
 public:
  Server(HttpLimits limits, HttpServerParts parts)
      : limits_(limits),
        parts_(std::move(parts)),
        pool_(parts_.budget),
        requests_(parts_.metrics.counter("clew_http_requests_total", "HTTP requests read")),
        refused_connections_(parts_.metrics.counter("clew_http_connections_refused_total",
                                                    "connections closed because there were too many")),
        acceptor_(io_),
        sweep_(io_) {}
  ~Server() override {
    drain(0);
    io_.stop();
    threads_.clear();
  }

  Status listen(const Address& address, uint32_t threads);
  const Address& address() const override { return address_; }
  void drain(uint32_t ms) override;

  const HttpLimits& limits() const { return limits_; }
  HttpServerParts& parts() { return parts_; }
  BufferPool& pool() { return pool_; }
  base::Counter& requests() { return requests_; }
  uint64_t now_ns() const { return parts_.clock.monotonic_ns(); }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }
  void forget(const Connection* connection);

 private:
  void accept_next();
  void on_accept(ErrorCode error, Socket socket);
  void sweep_next();
  std::vector<ConnectionPtr> live_connections();

  HttpLimits limits_;
  HttpServerParts parts_;
  BufferPool pool_;
  Address address_;
  base::Counter& requests_;
  base::Counter& refused_connections_;
  std::atomic<bool> draining_{false};
  base::Mutex mutex_;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> connections_ CLEW_GUARDED_BY(mutex_);
  // Below everything that connections use: pending handlers hold connections and go with io_.
  asio::io_context io_;
  Tcp::acceptor acceptor_;
  asio::steady_timer sweep_;
  std::vector<std::jthread> threads_;
};

// --- Connection: reading ---------------------------------------------------------------------------------------------

Connection::Connection(Server& server, Socket socket, std::string peer)
    : server_(server),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      in_(kHeaderBytesMax + kReadBytes),
      raw_(&server.parts().budget),
      decoded_(&server.parts().budget) {}

Connection::~Connection() { server_.forget(this); }

void Connection::deadline_in(uint32_t ms) {
  deadline_ns_.store(server_.now_ns() + uint64_t{ms} * 1'000'000, std::memory_order_relaxed);
}

void Connection::close_if_late(uint64_t now_ns) {
  if (deadline_ns_.load(std::memory_order_relaxed) > now_ns) return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->lost(); });
}

void Connection::close_if_idle() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->is_idle()) self->lost();
  });
}

void Connection::start() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->read_request(); });
}

void Connection::read_request() {
  parser_.emplace();
  parser_->header_limit(kHeaderBytesMax);
  parser_->body_limit(boost::none);
  parser_->eager(false);
  request_.method.clear();
  request_.query.clear();
  request_.headers.clear();
  request_.body = {};
  request_began_ = false;
  close_after_ = false;
  linger_after_ = false;
  idle_.store(true, std::memory_order_relaxed);
  if (in_.size() > 0) {
    parse_header();
  } else {
    deadline_in(server_.limits().idle_timeout_ms);
    read_header_more();
  }
}

void Connection::read_header_more() {
  auto space = in_.prepare(std::min(kReadBytes, in_.max_size() - in_.size()));
  socket_.async_read_some(
      space, [self = shared_from_this()](ErrorCode error, size_t bytes) { self->on_header_bytes(error, bytes); });
}

void Connection::on_header_bytes(ErrorCode error, size_t bytes) {
  if (error) return lost();
  in_.commit(bytes);
  parse_header();
}

void Connection::parse_header() {
  if (!request_began_) {
    request_began_ = true;
    idle_.store(false, std::memory_order_relaxed);
    deadline_in(server_.limits().header_timeout_ms);
  }
  ErrorCode error;
  size_t used = parser_->put(in_.data(), error);
  in_.consume(used);
  if (error == http::error::need_more) {
    if (in_.size() >= kHeaderBytesMax)
      error = http::error::header_limit;
    else
      return read_header_more();
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refuse(Error(Code::kTooLarge, "the request header is larger than 64 KiB"), true);
  }
  if (error) return refuse(Error(Code::kInvalid, "not an HTTP request: " + error.message()), true);
  if (!parser_->is_header_done()) return read_header_more();
  server_.requests().add();
  if (!fill_request()) return;
  begin_body();
}

// Copies the header out of the parser; false when it refused the request.
bool Connection::fill_request() {
  const auto& message = parser_->get();
  request_.method = std::string(message.method_string());
  request_.target = std::string(message.target());
  size_t question = std::min(request_.target.find('?'), request_.target.size());
  request_.path = percent_decoded(std::string_view(request_.target).substr(0, question), false);
  if (question < request_.target.size()) {
    request_.query = parse_query(std::string_view(request_.target).substr(question + 1));
  }
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    request_.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  request_.peer = peer_;
  http_1_0_ = message.version() < 11;
  keep_alive_ = parser_->keep_alive() && !server_.draining();
  return true;
}

void Connection::begin_body() {
  if (parser_->chunked()) {
    chunk_state_ = ChunkState::kSize;
    chunk_left_ = 0;
  } else {
    auto length = parser_->content_length();
    body_left_ = length ? *length : 0;
    if (body_left_ == 0) return handle();
    if (body_left_ > server_.limits().body_bytes_max) {
      return refuse(Error(Code::kTooLarge,
                          "the body is larger than " + std::to_string(server_.limits().body_bytes_max) + " bytes"),
                    true);
    }
  }
  raw_ = Buffer(&server_.parts().budget);
  if (Status room = raw_.reserve(kSmallBodyBytes); !room.ok()) return refuse(std::move(room).error(), true);
  if (header_has_token(request_.header("expect"), "100-continue") && in_.size() == 0) return continue_then_read();
  parser_->chunked() ? read_chunks() : read_body();
}

void Connection::continue_then_read() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](ErrorCode error, size_t) {
    if (error) return self->lost();
    self->parser_->chunked() ? self->read_chunks() : self->read_body();
  });
}

// Content-Length: what has come with the header first, then straight from the socket into the body's buffer.
void Connection::read_body() {
  size_t have = static_cast<size_t>(std::min<uint64_t>(in_.size(), body_left_));
  if (have > 0) {
    if (Status room = raw_.reserve(raw_.size() + have); !room.ok()) return refuse(std::move(room).error(), true);
    std::memcpy(raw_.free_space(), in_.data().data(), have);
    raw_.advance(have);
    in_.consume(have);
    body_left_ -= have;
  }
  if (body_left_ == 0) return finish_body();
  if (raw_.free_bytes() == 0 || (raw_.size() >= kSmallBodyBytes && raw_.free_bytes() < body_left_)) {
    // A client that has sent this much gets room for the rest, in steps.
    uint64_t step = std::max<uint64_t>(raw_.size() * 3, kDecodeWindowBytes);
    size_t wanted = raw_.size() + static_cast<size_t>(std::min(body_left_, step));
    if (Status room = server_.pool().grow(raw_, wanted); !room.ok()) return refuse(std::move(room).error(), true);
  }
  deadline_in(server_.limits().body_stall_timeout_ms);
  size_t wanted = static_cast<size_t>(std::min<uint64_t>(raw_.free_bytes(), body_left_));
  socket_.async_read_some(
      asio::buffer(raw_.free_space(), wanted),
      [self = shared_from_this()](ErrorCode error, size_t bytes) { self->on_body_bytes(error, bytes); });
}

void Connection::on_body_bytes(ErrorCode error, size_t bytes) {
  if (error) return lost();
  raw_.advance(bytes);
  body_left_ -= bytes;
  read_body();
}

// Transfer-Encoding: chunked. The framing is read from in_, the data copied into the body's buffer.
void Connection::read_chunks() {
  while (take_chunk_bytes()) {
  }
  if (chunk_state_ == ChunkState::kBad) return;  // refused already
  if (chunk_state_ == ChunkState::kDone) return finish_body();
  deadline_in(server_.limits().body_stall_timeout_ms);
  auto space = in_.prepare(std::min<size_t>(kHeaderBytesMax, in_.max_size() - in_.size()));
  socket_.async_read_some(space, [self = shared_from_this()](ErrorCode error, size_t bytes) {
    if (error) return self->lost();
    self->in_.commit(bytes);
    self->read_chunks();
  });
}

// Takes one step of the framing; false when it needs more bytes or is through.
bool Connection::take_chunk_bytes() {
  std::string_view have(static_cast<const char*>(in_.data().data()), in_.size());
  auto bad = [&](Error error) {
    chunk_state_ = ChunkState::kBad;
    refuse(std::move(error), true);
    return false;
  };
  if (chunk_state_ == ChunkState::kData) {
    size_t take = static_cast<size_t>(std::min<uint64_t>(chunk_left_, have.size()));
    if (take == 0) return false;
    if (raw_.free_bytes() < take) {
      size_t wanted =
          std::max(raw_.size() + take, std::min<size_t>(raw_.capacity() * 2, raw_.capacity() + kLargeReadBytes * 4));
      if (Status room = server_.pool().grow(raw_, wanted); !room.ok()) return bad(std::move(room).error());
    }
    std::memcpy(raw_.free_space(), have.data(), take);
    raw_.advance(take);
    in_.consume(take);
    chunk_left_ -= take;
    if (chunk_left_ == 0) chunk_state_ = ChunkState::kDataEnd;
    return true;
  }
  if (chunk_state_ == ChunkState::kDone || chunk_state_ == ChunkState::kBad) return false;
  size_t line_end = have.find("\r\n");
  if (line_end == std::string_view::npos) {
    if (have.size() > 4096) return bad(Error(Code::kInvalid, "malformed chunk in the request body"));
    return false;
  }
  std::string line(have.substr(0, line_end));
  in_.consume(line_end + 2);
  if (chunk_state_ == ChunkState::kDataEnd) {
    if (!line.empty()) return bad(Error(Code::kInvalid, "malformed chunk in the request body"));
    chunk_state_ = ChunkState::kSize;
    return true;
  }
  if (chunk_state_ == ChunkState::kTrailer) {
    if (line.empty()) chunk_state_ = ChunkState::kDone;
    return true;
  }
  line.resize(std::min(line.find_first_of("; \t"), line.size()));
  uint64_t size = 0;
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc() || end != line.data() + line.size() || line.empty()) {
    return bad(Error(Code::kInvalid, "malformed chunk size " + quoted(line)));
  }
  if (size > server_.limits().body_bytes_max - raw_.size()) {
    return bad(Error(Code::kTooLarge,
                     "the body is larger than " + std::to_string(server_.limits().body_bytes_max) + " bytes"));
  }
  chunk_left_ = size;
  chunk_state_ = size == 0 ? ChunkState::kTrailer : ChunkState::kData;
  return true;
}

void Connection::finish_body() {
  no_deadline();
  Result<Encoding> encoding = parse_encoding(request_.header("content-encoding"));
  if (!encoding.ok()) return refuse(std::move(encoding).error(), false);
  if (*encoding == Encoding::kIdentity) {
    raw_.seal();
    request_.body = raw_.view();
    return handle();
  }
  decoded_ = server_.pool().take();
  Status decoded = decompress(*encoding, raw_.view(), server_.limits().body_bytes_max, decoded_);
  if (!decoded.ok()) {
    bool hostile = decoded.error().code() != Code::kInvalid;
    return refuse(std::move(decoded).error(), hostile);
  }
  server_.pool().give(std::move(raw_));
  request_.body = decoded_.view();
  handle();
}

void Connection::handle() {
  no_deadline();
  server_.parts().handler(std::make_shared<ExchangeOf>(shared_from_this()));
}

void Connection::refuse(Error error, bool close) {
  close_after_ = close_after_ || close;
  linger_after_ = close;
  no_deadline();
  Response response = server_.parts().refuse(request_, error);
  send(std::move(response), false);
}

void Connection::release_body() {
  request_.body = {};
  server_.pool().give(std::move(raw_));
  server_.pool().give(std::move(decoded_));
}

// --- Connection: answering -------------------------------------------------------------------------------------------

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

std::string chunk_of(std::string_view bytes) {
  char head[24];
  int n = std::snprintf(head, sizeof head, "%zx\r\n", bytes.size());
  std::string chunk;
  chunk.reserve(bytes.size() + static_cast<size_t>(n) + 2);
  chunk.append(head, static_cast<size_t>(n)).append(bytes).append("\r\n");
  return chunk;
}

void Connection::send(Response response, bool stream) {
  if (stream && http_1_0_) close_after_ = true;
  if (server_.draining()) keep_alive_ = false;
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
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->start_write(); });
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
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->start_write(); });
  return true;
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
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->start_write(); });
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
  deadline_in(server_.limits().write_stall_timeout_ms);
  std::vector<asio::const_buffer> buffers;
  for (const std::string& piece : on_wire_) buffers.emplace_back(asio::buffer(piece));
  asio::async_write(socket_, buffers,
                    [self = shared_from_this()](ErrorCode error, size_t bytes) { self->on_written(error, bytes); });
}

void Connection::on_written(ErrorCode error, size_t bytes) {
  writing_ = false;
  if (error) return lost();
  no_deadline();
  {
    base::MutexLock lock(out_mutex_);
    out_bytes_ -= bytes;
    out_room_.notify_all();
  }
  start_write();
}

void Connection::after_answer() {
  {
    base::MutexLock lock(out_mutex_);
    if (!out_end_) return;
    out_end_ = false;
  }
  {
    base::MutexLock lock(gone_mutex_);
    on_gone_ = nullptr;
  }
  release_body();
  if (linger_after_) return linger();
  if (!keep_alive_ || close_after_) return lost();
  if (watching_) {
    // The watch ends with an error that says nothing; reading goes on once it has.
    watching_ = false;
    ErrorCode ignored;
    socket_.cancel(ignored);
  }
  read_request();
}

// Reads away what a refused client still sends, so that it sees the answer and not a reset.
void Connection::linger() {
  ErrorCode ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  if (in_.size() > 0) in_.consume(in_.size());
  if (linger_bytes_left_ == 0) {
    linger_bytes_left_ = server_.limits().body_bytes_max;
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
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    if (!self->watching_ && !self->is_idle()) self->begin_watch();
  });
}

void Connection::begin_watch() {
  watching_ = true;
  socket_.async_wait(Tcp::socket::wait_read, [self = shared_from_this(), number = ++watch_number_](ErrorCode error) {
    if (error || !self->watching_ || self->watch_number_ != number) return;
    self->watching_ = false;
    if (self->peer_has_closed()) self->lost();
  });
}

// Never waits: what woke the watch may have been read since. (A receive of asio's would wait, and the strand with it.)
bool Connection::peer_has_closed() {
  char byte = 0;
  ssize_t bytes = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

// The client has gone, or must go: everything waiting learns of it.
void Connection::lost() {
  if (closing_.exchange(true)) return;
  gone_.store(true, std::memory_order_relaxed);
  no_deadline();
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
}

void Connection::close_now() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->lost(); });
}

// --- Server ----------------------------------------------------------------------------------------------------------

Error listen_error(const Address& address, const ErrorCode& error) {
  Code code = Code::kIo;
  if (error == asio::error::address_in_use) code = Code::kExists;
  if (error == asio::error::access_denied) code = Code::kForbidden;
  return Error(code, "cannot listen on " + address.text() + ": " + error.message());
}

Status Server::listen(const Address& address, uint32_t threads) {
  ErrorCode error;
  Tcp::resolver resolver(io_);
  auto found = resolver.resolve(address.host, std::to_string(address.port), Tcp::resolver::passive, error);
  if (error || found.empty()) {
    return Error(Code::kInvalid, "listen address " + quoted(address.host) + " does not resolve: " + error.message());
  }
  Tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(address, error);
  address_ = {address.host, acceptor_.local_endpoint(error).port()};
  accept_next();
  sweep_next();
  for (uint32_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "clew-http");
      io_.run();
    });
  }
  return {};
}

void Server::accept_next() {
  acceptor_.async_accept(asio::make_strand(io_),
                         [this](ErrorCode error, Socket socket) { on_accept(error, std::move(socket)); });
}

void Server::on_accept(ErrorCode error, Socket socket) {
  if (draining() || error == asio::error::operation_aborted) return;
  if (!error) {
    ErrorCode ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    auto remote = socket.remote_endpoint(ignored);
    auto connection = std::make_shared<Connection>(*this, std::move(socket), remote.address().to_string());
    bool fits = false;
    {
      base::MutexLock lock(mutex_);
      fits = connections_.size() < limits_.connections_max;
      if (fits) connections_.emplace(connection.get(), connection);
    }
    if (fits) {
      connection->start();
    } else {
      refused_connections_.add();
    }
    accept_next();
    return;
  }
  // Out of descriptors and the like: a pause, or this would spin.
  auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(kSweepMs));
  pause->async_wait([this, pause](ErrorCode stopped) {
    if (!stopped) accept_next();
  });
}

std::vector<ConnectionPtr> Server::live_connections() {
  std::vector<ConnectionPtr> live;
  base::MutexLock lock(mutex_);
  live.reserve(connections_.size());
  for (auto& [key, weak] : connections_) {
    if (ConnectionPtr connection = weak.lock()) live.push_back(std::move(connection));
  }
  return live;
}

void Server::sweep_next() {
  sweep_.expires_after(std::chrono::milliseconds(kSweepMs));
  sweep_.async_wait([this](ErrorCode error) {
    if (error) return;
    uint64_t now = now_ns();
    for (const ConnectionPtr& connection : live_connections()) connection->close_if_late(now);
    sweep_next();
  });
}

void Server::forget(const Connection* connection) {
  base::MutexLock lock(mutex_);
  connections_.erase(connection);
}

void Server::drain(uint32_t ms) {
  if (!draining_.exchange(true)) {
    asio::post(io_, [this] {
      ErrorCode ignored;
      acceptor_.close(ignored);
    });
  }
  uint64_t until = now_ns() + uint64_t{ms} * 1'000'000;
  base::Mutex wait_mutex;
  base::CondVar never;
  while (true) {
    std::vector<ConnectionPtr> live = live_connections();
    if (live.empty()) return;
    bool late = now_ns() >= until;
    for (const ConnectionPtr& connection : live) late ? connection->close_now() : connection->close_if_idle();
    if (late) return;
    live.clear();
    base::MutexLock lock(wait_mutex);
    never.wait_for(wait_mutex, std::chrono::milliseconds(20));
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> start_http_server(const Address& listen, uint32_t threads, HttpLimits limits,
                                                      HttpServerParts parts) {
  auto server = std::make_unique<Server>(limits, std::move(parts));
  CLEW_TRY(server->listen(listen, threads));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace clew::net
