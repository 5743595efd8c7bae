// The heaviest values among stored events.
#pragma once

#include <stop_token>
#include <variant>

#include "base/result.h"
#include "contract/access.h"
#include "contract/event_source.h"
#include "os/clock.h"
#include "query/engine.h"
#include "topk/answer.h"

namespace clew::topk {

// Keys of each thread that are told apart: all sums are exact while there are no more.
constexpr size_t kKeysMax = 200'000;

// Lifetime: all outlive the call.
struct StoredParts {
  query::Engine& engine;
  contract::EventSource& source;
  const os::Clock& clock;
};

struct StoredQuestion {
  Question question;
  contract::Access access;
  contract::TimeRange range;
  uint64_t millis_max = 30'000;
  size_t keys_max = kKeysMax;
  std::stop_token stop;
};

using StoredAnswer = std::variant<TopAnswer, query::Failure>;
// Requires: a question about events. Failures: of the condition's text.
// Errors: kInvalid, kCancelled, kDeadline, kIo.
//
// Threads: any; blocks.
Result<StoredAnswer> ask_stored(const StoredParts& parts, const StoredQuestion& asked);

}  // namespace clew::topk
