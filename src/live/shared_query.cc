#include "live/shared_query.h"

#include <algorithm>

namespace clew::live {
namespace {

constexpr uint64_t kWindowMin = 256;

}  // namespace

Seq SharedQuery::window_end(const Round& round, Seq after) const {
  return std::min(round.committed(), Seq(after.get() + window_));
}

SharedQuery::Answer SharedQuery::rows(Round& round, Seq after, uint64_t rows_max) {
  return ask(round, {after, window_end(round, after), rows_max, false});
}

SharedQuery::Answer SharedQuery::count(Round& round, Seq after) {
  return ask(round, {after, std::min(round.committed(), Seq(after.get() + kWindowMax)), 0, true});
}

SharedQuery::Answer SharedQuery::ask(Round& round, const Asked& asked) {
  size_t kind = asked.count ? 1 : 0;
  if (asked_[kind] == asked) return answers_[kind];
  const contract::FeedPiece& piece = round.piece(query_->request().access, {asked.after, asked.up_to});
  query::LiveLimits limits{
      .rows = asked.rows_max, .bytes = kPieceBytes, .millis = kTurnMillisMax, .memory_bytes = kTurnMemoryBytes};
  auto answer = asked.count ? query_->count(piece, limits) : query_->rows(piece, limits);
  if (answer.ok() && !asked.count) {
    bool cut = answer->up_to < asked.up_to;
    uint64_t told = answer->up_to.get() - asked.after.get();
    window_ = cut ? std::max(kWindowMin, told * 2) : std::min(kWindowMax, window_ * 2);
  }
  if (!answer.ok() && answer.error().code() == Code::kDeadline) {
    at_least_ = window_ == kWindowMin;
    window_ = std::max(kWindowMin, window_ / 8);
  }
  asked_[kind] = asked;
  answers_[kind] = std::make_shared<const Result<query::LiveAnswer>>(std::move(answer));
  return answers_[kind];
}

}  // namespace clew::live
