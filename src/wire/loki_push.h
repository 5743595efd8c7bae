// Loki's push API. docs/protocols/loki.md names the fields.
//
// For the caller, POST /loki/api/v1/push (and its old name /api/prom/push):
//   Content-Type application/json -> decode_json. Everything else, application/x-protobuf above all, is one snappy
//   block of protobuf, whether or not Content-Encoding names snappy (promtail does not): undo it once with
//   net::decompress, then decode_protobuf. After the write: 204 without a body when every entry was taken, else 400
//   with loki_reply() as text/plain: Loki's clients drop a batch on 400, which is right, since its good entries are
//   stored. Errors: net::http_status with the message as text/plain; clients repeat on 429 and 5xx. The header
//   X-Scope-OrgID is a tenant's name; it is not read here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class LokiPushDecoder {
 public:
  LokiPushDecoder();
  ~LokiPushDecoder();

  // {"streams":[{"stream":{labels},"values":[["unix ns","line",{structured metadata}],...]}]}. A bad entry is rejected
  // alone, a bad stream with its entries.
  // Errors: kInvalid, with the byte offset or path, when the body is no such object.
  Result<Events> decode_json(std::string_view body, const Intake& intake);

  // A logproto PushRequest, not compressed any more.
  // Errors: kInvalid, with the byte offset, when its frames are malformed.
  Result<Events> decode_protobuf(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The text that says what was rejected and why.
std::string loki_reply(const Events& events);

}  // namespace clew::wire
