// HTTP/1.1 server. Boost.Beast stays inside the .cc files.
//
// A request goes through: header (64 KiB, 10 s), body read straight into one buffer, content encoding undone, handler.
// The handler answers at once or later, on any thread; long answers stream with back-pressure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/result.h"
#include "net/address.h"
#include "net/buffer.h"
#include "net/http_message.h"
#include "net/live_stream.h"
#include "net/tls.h"
#include "os/clock.h"

namespace clew::net {

constexpr uint32_t kHeaderBytesMax = 64u << 10;
constexpr size_t kStreamBufferBytes = 256u << 10;  // a streamed answer waits while so much is unsent

struct HttpLimits {
  uint64_t body_bytes_max = kBodyBytesMax;  // decoded
  uint32_t connections_max = 10'000;
  uint32_t header_timeout_ms = 10'000;       // from a request's first byte to the end of its header
  uint32_t idle_timeout_ms = 75'000;         // between requests
  uint32_t body_stall_timeout_ms = 30'000;   // without a byte of the body
  uint32_t write_stall_timeout_ms = 30'000;  // without a byte of the answer taken
  uint32_t live_stall_timeout_ms = 600'000;  // the same for live streams: a reader may pause, say a terminal
};

// One request and its answer.
//
// Threads:  one at a time, except on_disconnect's callback and disconnected(), which may be used on any thread.
// Lifetime: held by whoever will answer; let go unanswered, it answers 500. The request's views live until answer(),
//           begin_stream() or release_body().
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;
  // Gives the body's memory back early; request().body is empty from then on.
  virtual void release_body() = 0;

  // Sends the whole answer. Call answer or begin_stream, once.
  virtual void answer(Response response) = 0;

  // Sends status and headers; the body follows by stream_write, ended by stream_end. `response.body` is its beginning.
  virtual void begin_stream(Response response) = 0;
  // Waits while more than kStreamBufferBytes are unsent. False when the client has gone or takes nothing: stop then.
  virtual bool stream_write(std::string bytes) = 0;
  virtual void stream_end() = 0;

  // Sends status and headers, and hands the answer to a writer that never waits; in place of answer or begin_stream.
  // `response.body` is its beginning, whatever its size.
  virtual LiveStreamPtr begin_live(Response response) = 0;
  // The same over a WebSocket; `first`, when there is something, is its first message.
  // Errors: kInvalid when the request asks for no WebSocket; the caller has yet to answer then.
  virtual Result<LiveStreamPtr> accept_websocket(std::string first) = 0;

  // Begins to watch for the client going away; `gone` runs at most once, on a thread of the server.
  virtual void on_disconnect(std::function<void()> gone) = 0;
  virtual bool disconnected() const = 0;
};
using ExchangePtr = std::shared_ptr<Exchange>;

// Runs on a thread of the server: short work only, anything that waits goes elsewhere.
using HttpHandler = std::function<void(ExchangePtr)>;

// What a server answers by itself, before a handler is reached (a header too long, a body that does not decode).
using ErrorResponder = std::function<Response(const Request&, const Error&)>;

// Threads: all functions on any thread; `threads` threads of its own, named clew-http.
class HttpServer {
 public:
  virtual ~HttpServer() = default;
  // Where it listens, with the port that was picked for port 0.
  virtual const Address& address() const = 0;
  // Refuses new connections and closes idle ones; requests in flight are finished, for at most `ms`. Blocks.
  virtual void drain(uint32_t ms) = 0;
};

struct HttpServerParts {
  const os::Clock& clock;
  MemoryBudget& budget;
  base::Registry& metrics;
  HttpHandler handler;
  ErrorResponder refuse;
  std::shared_ptr<TlsServer> tls = nullptr;  // every connection speaks TLS; without it none does
};

// Errors: kInvalid for an address that does not resolve; kExists when it is in use; kForbidden; kIo.
Result<std::unique_ptr<HttpServer>> start_http_server(const Address& listen, uint32_t threads, HttpLimits limits,
                                                      HttpServerParts parts);

}  // namespace clew::net
