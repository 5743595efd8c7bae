#include "topk/standing_list.h"

namespace clew::topk {

Result<std::unique_ptr<StandingList>> StandingList::make(const ListOptions& options, int64_t now) {
  if (!options.question.metric.empty()) {
    return Error(Code::kInvalid, "a standing list is of events: ask a metric with `clew top`, or record it by a rule");
  }
  if (options.question.last_nanos < kWindowNanosLeast) {
    return Error(Code::kInvalid, "it takes a window of 10s or more: write 10 by endpoint last 5m");
  }
  std::unique_ptr<Counter> counter = CLEW_TRY(Counter::make(options.question, Counter::Where::kAsk, now));
  return std::unique_ptr<StandingList>(new StandingList(options, std::move(counter)));
}

int64_t StandingList::pane_of(int64_t time) const { return time / pane_nanos_ - (time % pane_nanos_ < 0 ? 1 : 0); }

Status StandingList::take(feed::Block& block, int64_t now) {
  int64_t first = pane_of(now) - kPanes + 1;
  int64_t last = pane_of(now) + kPanes;  // clocks of senders may be ahead
  panes_.erase(panes_.begin(), panes_.lower_bound(first));
  auto sketch_at = [&](int64_t time) -> sketch::SpaceSaving* {
    int64_t pane = pane_of(time);
    if (pane < first || pane > last) return nullptr;
    return &panes_.try_emplace(pane, options_.keys_max).first->second.sketch;
  };
  Counter::Counted counted = CLEW_TRY(counter_->count(block, sketch_at));
  if (counted.events > 0) ++version_;
  return {};
}

TopAnswer StandingList::answer(int64_t now) const {
  int64_t last = pane_of(now);
  int64_t first = last - kPanes + 1;
  sketch::SpaceSaving all(options_.keys_max);
  for (auto it = panes_.lower_bound(first); it != panes_.end() && it->first <= last; ++it) all.merge(it->second.sketch);
  TopAnswer answer;
  put_rows(all, options_.question.rows, answer);
  answer.range = {first * pane_nanos_, now + 1};
  return answer;
}

}  // namespace clew::topk
