// A live query that several followers ask at once: it is answered once for all that stand at the same place.
#pragma once

#include <memory>
#include <optional>

#include "live/pump.h"
#include "query/live_query.h"

namespace clew::live {

constexpr uint64_t kWindowMax = 65'536;     // _seqs looked at in one turn
constexpr size_t kPieceBytes = 128u << 10;  // of rows in one turn
constexpr uint64_t kTurnMillisMax = 500;    // a query that takes longer over a window skips it
constexpr uint64_t kTurnMemoryBytes = 64u << 20;

// Threads: the pump's.
class SharedQuery {
 public:
  explicit SharedQuery(std::unique_ptr<query::LiveQuery> query) : query_(std::move(query)) {}

  using Answer = std::shared_ptr<const Result<query::LiveAnswer>>;
  // Rows behind `after`: of all that is committed, or of as much as suits one turn.
  Answer rows(Round& round, Seq after, uint64_t rows_max = UINT32_MAX);
  // Their number, over the window that ends at answer.up_to.
  Answer count(Round& round, Seq after);
  // Where the window of the next turn behind `after` ends.
  Seq window_end(const Round& round, Seq after) const;

  // True when the last window took too long, and the next one will be smaller.
  bool may_try_less(const Error& error) const { return error.code() == Code::kDeadline && !at_least_; }

  const query::LiveQuery& query() const { return *query_; }

 private:
  struct Asked {
    Seq after;
    Seq up_to;
    uint64_t rows_max = 0;
    bool count = false;
    friend bool operator==(const Asked&, const Asked&) = default;
  };
  Answer ask(Round& round, const Asked& asked);

  const std::unique_ptr<query::LiveQuery> query_;
  uint64_t window_ = kWindowMax;  // shrinks where rows are many, so that few are looked at in vain
  bool at_least_ = false;         // the smallest window took too long
  // The last question for rows, and the last for their number.
  std::optional<Asked> asked_[2];
  Answer answers_[2];
};
using SharedQueryPtr = std::shared_ptr<SharedQuery>;

}  // namespace clew::live
