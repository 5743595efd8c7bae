#include "live/subscriber.h"

namespace clew::live {

bool SubscriberStream::is_there() const {
  Result<Subscription> now = store_.find(subscription_.tenant, subscription_.name);
  return now.ok() && now->epoch == subscription_.epoch;
}

Turn SubscriberStream::turn(Round& round) {
  if (stream_->gone()) return {.next = Turn::Next::kOver};
  if (!is_there()) {
    end_with("NOT_FOUND", "the subscription was deleted", 404);
    return {.next = Turn::Next::kOver};
  }
  if (!stream_->has_room()) return {.next = Turn::Next::kWait};
  std::string piece;
  if (at_ < round.committed()) {
    SharedQuery::Answer answer = query_->rows(round, at_);
    if (!answer->ok()) {
      if (query_->may_try_less(answer->error())) return {.next = Turn::Next::kAgain};
      end_with("EVALUATION_ERROR", answer->error().message(), 400);
      return {.next = Turn::Next::kOver};
    }
    for (const query::LiveRecord& record : (*answer)->records) append_row(form_, record, Placed::kNo, piece);
    if ((*answer)->damaged_rows > 0) append_damaged(form_, (*answer)->damaged_rows, piece);
    at_ = (*answer)->up_to;
    events_.add((*answer)->records.size());
  }
  // A query that matches little moves on as well, now and then.
  bool quiet = round.now_ns() - said_ns_ >= kHeartbeatNs;
  if (quiet && at_ == told_) append_heartbeat(form_, at_, piece);
  if (!piece.empty() || (quiet && told_ < at_)) {
    if (told_ < at_) append_up_to(form_, at_, piece);
    told_ = at_;
    said_ns_ = round.now_ns();
    (void)stream_->offer(std::move(piece));
  }
  if (at_ < round.committed()) return {.next = Turn::Next::kAgain};
  return {.next = Turn::Next::kWait, .due_ns = said_ns_ + kHeartbeatNs};
}

void SubscriberStream::end_with(std::string_view code, std::string_view reason, int status) {
  std::string piece;
  append_failed(form_, code, reason, status, piece);
  (void)stream_->offer(std::move(piece));
  stream_->end();
}

void SubscriberStream::stop() {
  std::string piece;
  append_end(form_, "the server is stopping", piece);
  if (!stream_->has_room()) return stream_->cut();
  (void)stream_->offer(std::move(piece));
  stream_->end();
}

Turn SubscriberPoll::turn(Round& round) {
  if (gone_.load()) return {.next = Turn::Next::kOver};
  query::LiveAnswer nothing;
  nothing.up_to = at_;
  if (at_ < round.committed()) {
    SharedQuery::Answer answer = query_->rows(round, at_, rows_max_);
    if (!answer->ok() && query_->may_try_less(answer->error())) return {.next = Turn::Next::kAgain};
    if (!answer->ok() || !(*answer)->records.empty()) return give(*answer);
    at_ = nothing.up_to = (*answer)->up_to;
    damaged_rows_ += (*answer)->damaged_rows;
  }
  if (round.now_ns() >= until_ns_) return give(std::move(nothing));
  if (at_ < round.committed()) return {.next = Turn::Next::kAgain};
  return {.next = Turn::Next::kWait, .due_ns = until_ns_};
}

Turn SubscriberPoll::give(Result<query::LiveAnswer> answer) {
  if (answer.ok()) {
    events_.add(answer->records.size());
    answer->damaged_rows += damaged_rows_;
  }
  answer_(std::move(answer));
  return {.next = Turn::Next::kOver};
}

void SubscriberPoll::stop() { answer_(Error(Code::kUnavailable, "the server is stopping")); }

}  // namespace clew::live
