// LiveStream is an answer without an end, for clients that follow something. Its writer never waits: what a slow client
// has no room for is refused, and the writer decides what that means.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace clew::net {

constexpr size_t kLiveBufferBytes = 128u << 10;  // a stream takes nothing more while so much is unsent

// Threads:  all functions on any thread.
// Lifetime: let go before the server; letting go of one that was not ended cuts its connection.
class LiveStream {
 public:
  virtual ~LiveStream() = default;

  // Takes the piece whole, or not at all: false when there is no room, or the client has gone. Of a WebSocket each
  // piece is a message.
  virtual bool offer(std::string piece) = 0;
  // False asks to be told when there is room.
  virtual bool has_room() = 0;
  virtual bool gone() const = 0;

  // `changed` runs when there is room again after that was asked for or a piece refused, and when the client has gone;
  // on a thread of the server, so it must be short. Call once.
  virtual void on_change(std::function<void()> changed) = 0;

  // What was taken is sent, then the answer is over.
  virtual void end() = 0;
  // The connection is closed at once.
  virtual void cut() = 0;
};
using LiveStreamPtr = std::shared_ptr<LiveStream>;

}  // namespace clew::net
