// CloudWatch Logs as its subscriptions deliver them. docs/protocols/cloudwatch.md names the fields.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class CloudWatchDecoder {
 public:
  CloudWatchDecoder();
  ~CloudWatchDecoder();

  // A request holds messages: begin() once, then add() each, not compressed any more, then take().
  void begin(const Intake& intake, size_t body_bytes);
  // {"messageType":"DATA_MESSAGE","logGroup":...,"logEvents":[{"id","timestamp","message"},...]}; a CONTROL_MESSAGE has
  // nothing to keep. An event that is no such object is rejected alone.
  // Errors: kInvalid, with the byte offset, for what is no such message.
  Status add(std::string_view message);
  Events take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a Firehose delivery stream posts: {"requestId":"...","timestamp":N,"records":[{"data":"BASE64"},...]}.
struct FirehoseRequest {
  std::string id;
  std::vector<std::string> records;  // their bytes, mostly gzip
};
// Errors: kInvalid, with the place.
Result<FirehoseRequest> read_firehose_request(std::string_view body);

}  // namespace clew::wire
