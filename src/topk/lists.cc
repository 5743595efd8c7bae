#include "topk/lists.h"

#include <algorithm>

namespace clew::topk {
namespace {

constexpr uint64_t kWindowSeqs = 65'536;
constexpr uint64_t kRetryNs = 1'000'000'000;
constexpr uint64_t kRedisEveryNs = 1'000'000'000;

}  // namespace

Lists::Lists(ListServices services, std::unique_ptr<RedisLists> redis)
    : services_(services),
      redis_(std::move(redis)),
      failures_(services.metrics.counter("clew_topk_failures_total",
                                         "Times that standing lists could not read events: built anew")),
      left_out_(services.metrics.counter("clew_topk_events_left_out_total",
                                         "Events that a standing list lacks: damaged, or its condition cannot be "
                                         "computed")) {}

Result<std::unique_ptr<Lists>> Lists::make(ListServices services, const std::vector<ListOptions>& options,
                                           std::unique_ptr<RedisLists> redis) {
  std::unique_ptr<Lists> made(new Lists(services, std::move(redis)));
  base::MutexLock lock(made->mutex_);
  for (const ListOptions& one : options) {
    Result<std::unique_ptr<StandingList>> list = StandingList::make(one, services.clock.now().get());
    if (!list.ok()) return std::move(list).error().at("topk.lists." + one.name);
    made->lists_[one.name] = std::move(list).take();
  }
  made->options_ = options;
  return made;
}

// What is stored of the longest window; the lists take of it what theirs has.
Status Lists::build() {
  int64_t now = services_.clock.now().get();
  int64_t longest = 0;
  for (const ListOptions& one : options_) longest = std::max(longest, one.question.last_nanos);
  contract::Access access;
  std::vector<contract::DatasetInfo> datasets = CLEW_TRY(services_.source.datasets(access));
  contract::Scan scan;
  for (const contract::DatasetInfo& one : datasets) scan.datasets.push_back(one.name);
  scan.range.from = now - longest;
  contract::ScanStats stats;
  contract::FeedPiece piece;
  if (scan.datasets.empty()) {
    piece.range = {Seq(0), services_.feed.committed()};
  } else {
    contract::Snapshot snapshot = CLEW_TRY(services_.source.snapshot(access, scan, stats));
    piece.range = {Seq(0), snapshot.up_to};
    for (contract::GranulePtr& granule : snapshot.granules) piece.granules.push_back({std::move(granule), true});
  }
  base::MutexLock lock(mutex_);
  for (auto& [name, list] : lists_) list = CLEW_TRY(StandingList::make(list->options(), now));
  feed::Visited visited = CLEW_TRY(feed::visit(piece, [this](feed::Block& block) {
    take(block);
    return Status();
  }));
  left_out_.add(visited.damaged_rows);
  place_ = piece.range.up_to;
  built_ = true;
  return {};
}

void Lists::take(feed::Block& block) {
  int64_t now = services_.clock.now().get();
  for (auto& [name, list] : lists_) {
    // A list that cannot take a block lacks it, and says so; the others have it.
    Status taken = list->take(block, now);
    if (!taken.ok()) left_out_.add(block.rows());
  }
}

Result<bool> Lists::read_window() {
  Seq committed = services_.feed.committed();
  if (place_ >= committed) return false;
  Seq up_to(std::min(committed.get(), place_.get() + kWindowSeqs));
  contract::FeedPiece piece = services_.feed.read({}, {place_, up_to});
  base::MutexLock lock(mutex_);
  Result<feed::Visited> visited = feed::visit(piece, [this](feed::Block& block) {
    take(block);
    return Status();
  });
  if (!visited.ok()) {
    built_ = false;
    return std::move(visited).error();
  }
  left_out_.add(visited->damaged_rows);
  place_ = piece.range.up_to;
  return place_ < committed;
}

void Lists::write_redis(uint64_t now_ns) {
  if (redis_ == nullptr || now_ns < redis_due_ns_) return;
  redis_due_ns_ = now_ns + kRedisEveryNs;
  std::vector<std::pair<ListOptions, TopAnswer>> answers;
  {
    base::MutexLock lock(mutex_);
    int64_t now = services_.clock.now().get();
    for (const auto& [name, list] : lists_) answers.emplace_back(list->options(), list->answer(now));
  }
  Status written = redis_->write(answers);
  if (!written.ok()) redis_due_ns_ = now_ns + kRetryNs;  // counted there
}

feed::Worker::Next Lists::work_once() {
  uint64_t now_ns = services_.clock.monotonic_ns();
  bool built = false;
  {
    base::MutexLock lock(mutex_);
    built = built_;
  }
  Result<bool> more = false;
  if (!built) {
    Status done = build();
    if (!done.ok()) more = std::move(done).error();
  }
  if (more.ok()) more = read_window();
  if (!more.ok()) {
    failures_.add();
    return {.due_ns = now_ns + kRetryNs, .pause = true};
  }
  if (*more) return {.due_ns = 0};
  write_redis(now_ns);
  return {.due_ns = redis_ != nullptr ? redis_due_ns_ : feed::kNever};
}

Result<TopAnswer> Lists::answer(const std::string& name) const {
  base::MutexLock lock(mutex_);
  auto found = lists_.find(name);
  if (found == lists_.end()) return Error(Code::kNotFound, "there is no list " + clew::quoted(name) + " in topk.lists");
  if (!built_) return Error(Code::kUnavailable, "the lists are being built from what is stored: ask again soon");
  return found->second->answer(services_.clock.now().get());
}

std::vector<ListOptions> Lists::options() const { return options_; }

}  // namespace clew::topk
