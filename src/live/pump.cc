#include "live/pump.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace clew::live {
namespace {

constexpr uint64_t kRoundEveryNs = 5'000'000;  // commits that follow each other faster share a round
constexpr uint64_t kSleepNs = 3'600'000'000'000;
constexpr int kNiceness = 5;  // where processors are short, taking events in comes first

bool same(const contract::Access& a, const contract::Access& b) {
  return a.tenant == b.tenant && a.datasets == b.datasets;
}

}  // namespace

const contract::FeedPiece& Round::piece(const contract::Access& access, contract::SeqRange range) {
  for (const Known& known : known_) {
    bool is = known.range.after == range.after && known.range.up_to == range.up_to && same(known.access, access);
    if (is) return *known.piece;
  }
  known_.push_back({access, range, std::make_unique<const contract::FeedPiece>(feed_.read(access, range))});
  return *known_.back().piece;
}

Pump::Pump(contract::EventFeed& feed, const os::Clock& clock, const std::string& thread_name)
    : feed_(feed), clock_(clock) {
  feed_.ring_on_commit(bell_);
  thread_ = std::jthread([this, thread_name](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), thread_name.c_str());
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
    run(stop);
  });
}

Status Pump::add(std::shared_ptr<Follower> follower, size_t most) {
  {
    base::MutexLock lock(mutex_);
    if (stopped_) return Error(Code::kUnavailable, "the server is stopping");
    if (count_.load() >= most) {
      return Error(Code::kOverloaded, std::to_string(most) + " clients follow the events already, try again later");
    }
    ++count_;
    fresh_.push_back(std::move(follower));
  }
  bell_->ring();
  return {};
}

void Pump::stop() {
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
  }
  if (!thread_.joinable()) return;
  thread_.request_stop();
  bell_->ring();
  thread_.join();
}

bool Pump::take_new(std::vector<std::shared_ptr<Follower>>& followers) {
  base::MutexLock lock(mutex_);
  followers.insert(followers.end(), fresh_.begin(), fresh_.end());
  fresh_.clear();
  return !followers.empty();
}

void Pump::end_all(std::vector<std::shared_ptr<Follower>>& followers) {
  (void)take_new(followers);
  for (const auto& follower : followers) follower->stop();
  followers.clear();
  count_ = 0;
}

void Pump::run(const std::stop_token& stop) {
  std::vector<std::shared_ptr<Follower>> followers;
  uint64_t round_ns = 0;
  while (!stop.stop_requested()) {
    if (!take_new(followers)) {
      (void)bell_->wait_for(std::chrono::nanoseconds(kSleepNs));
      continue;
    }
    round_ns = clock_.monotonic_ns();
    Round round(feed_, round_ns);
    bool again = false;
    uint64_t due_ns = round_ns + kSleepNs;
    for (auto& follower : followers) {
      if (stop.stop_requested()) break;
      Turn turn = follower->turn(round);
      again = again || turn.next == Turn::Next::kAgain;
      due_ns = std::min(due_ns, turn.due_ns);
      if (turn.next == Turn::Next::kOver) follower.reset();
    }
    auto gone = std::remove(followers.begin(), followers.end(), nullptr);
    count_ -= static_cast<size_t>(followers.end() - gone);
    followers.erase(gone, followers.end());
    if (again || followers.empty()) continue;
    uint64_t now = clock_.monotonic_ns();
    if (now < due_ns) (void)bell_->wait_for(std::chrono::nanoseconds(due_ns - now));
    now = clock_.monotonic_ns();
    if (now - round_ns < kRoundEveryNs && !stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(kRoundEveryNs - (now - round_ns)));
    }
  }
  end_all(followers);
}

}  // namespace clew::live
