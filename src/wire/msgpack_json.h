// MessagePack as JSON text, so that records of both kinds become the same rows; and where values of a stream end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/msgpack.h"

namespace clew::wire {

constexpr int kMsgpackDepthMax = 64;

// Appends the next value. Bytes are text, as most senders mean them; numbers that JSON has not are texts ("NaN"); an
// extension is its bytes in base64; keys that are no text are their JSON. False when the value is malformed, or nested
// deeper than kMsgpackDepthMax: then the reader has failed or stands somewhere inside it.
bool append_json(MsgpackReader& in, std::string& out);

// Finds the end of a value that comes in pieces, each byte looked at once.
//
// Threads: one.
class MsgpackFrame {
 public:
  enum class State : uint8_t { kMore, kWhole, kBad };
  // `bytes` begin where the value does; more of them than at the last call, or as many. After kWhole: bytes() says how
  // long it is, and reset() begins the next.
  State look(std::string_view bytes);
  uint64_t bytes() const { return at_; }
  void reset() { at_ = 0, left_ = 1; }

 private:
  uint64_t at_ = 0;    // what was looked at; may lie behind what has come, inside a text
  uint64_t left_ = 1;  // values that are still to come
};

}  // namespace clew::wire
