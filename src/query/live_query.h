// A question that looks at each event by itself: a search, and commands such as where, fields and eval. What tails and
// subscriptions ask of the feed, piece by piece.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "contract/event_feed.h"
#include "os/clock.h"
#include "query/answer.h"

namespace clew::geo {
class Sources;
}

namespace clew::query {

struct LiveRequest {
  std::string text;
  contract::Access access;
  bool raw = false;  // rows are one column `_raw`: each event as it came
};

// Lifetime: all outlive the query.
struct LiveParts {
  contract::EventSource& source;
  contract::EventFeed& feed;
  const os::Clock& clock;
  const geo::Sources* geo = nullptr;  // what geoip() asks
};

struct LiveRecord {
  uint64_t seq = 0;
  std::string id;   // `_id` of the event
  std::string row;  // JSON object, null columns left out, UTF-8
};

struct LiveLimits {
  uint64_t rows = 10'000;
  uint64_t bytes = 1u << 20;  // of the rows; the last may be beyond
  uint64_t millis = 1'000;    // of work
  uint64_t memory_bytes = 64u << 20;
};

struct LiveAnswer {
  std::vector<LiveRecord> records;  // rising by _seq
  Seq up_to;                        // what is answered: all of the piece, or up to the last record where a limit cut it
  uint64_t matched = 0;             // records, or the number there would be
  uint64_t damaged_rows = 0;        // left out
};

// Threads: one at a time.
class LiveQuery {
 public:
  // A field or dataset that is not there yet is no mistake: it is null until it comes, and warnings() names it.
  // Failures: those of Engine::run; kUnsupported for a command that looks at several events, and for subsearches.
  static std::variant<std::unique_ptr<LiveQuery>, Failure> make(LiveParts parts, LiveRequest request);
  virtual ~LiveQuery() = default;

  virtual const LiveRequest& request() const = 0;
  virtual std::vector<std::string> warnings() const = 0;

  // The events of the piece that the query gives.
  // Errors: kDeadline beyond limits.millis, kLimit, kInvalid (a value that cannot be computed), kIo.
  virtual Result<LiveAnswer> rows(const contract::FeedPiece& piece, const LiveLimits& limits) = 0;
  // Only their number; cheaper. Errors: the same.
  virtual Result<LiveAnswer> count(const contract::FeedPiece& piece, const LiveLimits& limits) = 0;
  // The newest limits.rows events of the range by time, oldest first, of those with a _seq up to `up_to`.
  virtual Result<LiveAnswer> newest(contract::TimeRange range, Seq up_to, const LiveLimits& limits,
                                    std::stop_token stop) = 0;
};

}  // namespace clew::query
