#include "live/tail.h"

#include <algorithm>

namespace clew::live {

Turn Tail::turn(Round& round) {
  if (stream_->gone()) return {.next = Turn::Next::kOver};
  bool behind = at_ < round.committed();
  if (behind && behind_ns_ == kNever) behind_ns_ = round.now_ns();
  skipping_ = behind && (skipping_ || (!returning_ && round.now_ns() - behind_ns_ > kPatienceNs));
  jump(round);
  bool room = stream_->has_room();
  if (missed_ > 0 && !skipping_ && room) {
    std::string piece;
    append_missed(form_, missed_, missed_exact_, piece);
    say(std::move(piece), round);
    missed_ = 0;
    missed_exact_ = true;
    room = stream_->has_room();
  }
  if (behind && (skipping_ || room)) {
    if (!(skipping_ ? count(round) : give(round))) return {.next = Turn::Next::kOver};
    behind = at_ < round.committed();
    if (behind) return {.next = Turn::Next::kAgain};
  }
  // Without room the stream wakes us, or our patience ends.
  if (behind) return {.next = Turn::Next::kWait, .due_ns = returning_ ? kNever : behind_ns_ + kPatienceNs + 1};
  behind_ns_ = kNever;
  returning_ = false;
  if (skipping_) return {.next = Turn::Next::kAgain};  // says what was missed
  if (room && round.now_ns() - said_ns_ >= kHeartbeatNs) {
    std::string piece;
    append_heartbeat(form_, at_, piece);
    say(std::move(piece), round);
  }
  return {.next = Turn::Next::kWait, .due_ns = room ? said_ns_ + kHeartbeatNs : kNever};
}

// Events may come faster than one thread can look at them for everybody.
void Tail::jump(const Round& round) {
  if (round.committed().get() - std::min(at_, round.committed()).get() <= kTailLagMax) return;
  Seq to(round.committed().get() - kWindowMax);
  miss(to.get() - at_.get(), false);
  at_ = to;
}

bool Tail::give(Round& round) {
  SharedQuery::Answer answer = query_->rows(round, at_);
  if (!answer->ok()) return leave_out(round, answer->error());
  std::string piece;
  for (const query::LiveRecord& record : (*answer)->records) append_row(form_, record, Placed::kYes, piece);
  if ((*answer)->damaged_rows > 0) append_damaged(form_, (*answer)->damaged_rows, piece);
  if (!piece.empty()) {
    if (!stream_->offer(std::move(piece))) return true;  // gone: the next turn sees it
    said_ns_ = round.now_ns();
    metrics_.events.add((*answer)->records.size());
  }
  at_ = (*answer)->up_to;
  return true;
}

bool Tail::count(Round& round) {
  SharedQuery::Answer answer = query_->count(round, at_);
  if (!answer->ok()) return leave_out(round, answer->error());
  miss((*answer)->matched, true);
  at_ = (*answer)->up_to;
  return true;
}

bool Tail::leave_out(const Round& round, const Error& error) {
  if (error.code() == Code::kDeadline) {
    Seq to = std::min(round.committed(), Seq(at_.get() + kWindowMax));
    miss(to.get() - at_.get(), false);
    at_ = to;
    return true;
  }
  std::string piece;
  append_failed(form_, "EVALUATION_ERROR", error.message(), 400, piece);
  (void)stream_->offer(std::move(piece));
  stream_->end();
  return false;
}

void Tail::miss(uint64_t events, bool exact) {
  missed_ += events;
  missed_exact_ = missed_exact_ && exact;
  metrics_.missed.add(events);
}

void Tail::say(std::string piece, const Round& round) {
  if (stream_->offer(std::move(piece))) said_ns_ = round.now_ns();
}

// A client that takes nothing would hold up the server's end.
void Tail::stop() {
  std::string piece;
  append_end(form_, "the server is stopping", piece);
  if (!stream_->has_room()) return stream_->cut();
  (void)stream_->offer(std::move(piece));
  stream_->end();
}

}  // namespace clew::live
