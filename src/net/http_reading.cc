// Connection: a request taken in, its body undone of encodings, handed to the handler.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <cstring>

#include "net/decompress.h"
#include "net/http_connection.h"

namespace clew::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr size_t kLargeReadBytes = 1u << 20;

}  // namespace

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
    deadline_in(all_.limits().idle_timeout_ms);
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
    deadline_in(all_.limits().header_timeout_ms);
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
  all_.requests().add();
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
  keep_alive_ = parser_->keep_alive() && !all_.draining();
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
    if (body_left_ > all_.limits().body_bytes_max) {
      return refuse(
          Error(Code::kTooLarge, "the body is larger than " + std::to_string(all_.limits().body_bytes_max) + " bytes"),
          true);
    }
  }
  raw_ = Buffer(&all_.parts().budget);
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
    if (Status room = all_.pool().grow(raw_, wanted); !room.ok()) return refuse(std::move(room).error(), true);
  }
  deadline_in(all_.limits().body_stall_timeout_ms);
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
  deadline_in(all_.limits().body_stall_timeout_ms);
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
      if (Status room = all_.pool().grow(raw_, wanted); !room.ok()) return bad(std::move(room).error());
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
  if (size > all_.limits().body_bytes_max - raw_.size()) {
    return bad(
        Error(Code::kTooLarge, "the body is larger than " + std::to_string(all_.limits().body_bytes_max) + " bytes"));
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
  decoded_ = all_.pool().take();
  Status decoded = decompress(*encoding, raw_.view(), all_.limits().body_bytes_max, decoded_);
  if (!decoded.ok()) {
    bool hostile = decoded.error().code() != Code::kInvalid;
    return refuse(std::move(decoded).error(), hostile);
  }
  all_.pool().give(std::move(raw_));
  request_.body = decoded_.view();
  handle();
}

void Connection::handle() {
  no_deadline();
  all_.parts().handler(exchange_of(shared_from_this()));
}

void Connection::refuse(Error error, bool close) {
  close_after_ = close_after_ || close;
  linger_after_ = close;
  no_deadline();
  Response response = all_.parts().refuse(request_, error);
  send(std::move(response), false);
}

}  // namespace clew::net
