#include "logstore/background.h"

#include <pthread.h>
#include <sys/resource.h>

namespace clew::logstore {
namespace {

constexpr auto kIdleWait = std::chrono::milliseconds(200);
constexpr auto kErrorWait = std::chrono::seconds(1);
constexpr auto kTurnWait = std::chrono::milliseconds(50);
constexpr int64_t kRetentionEveryNs = 600'000'000'000;
// Flushes and merges yield to threads that somebody waits for; back-pressure bounds how far they fall behind.
constexpr int kNice = 5;

}  // namespace

Background::Background(Engine& engine, uint32_t threads) : engine_(engine) {
  for (uint32_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    pthread_setname_np(threads_.back().native_handle(), "clew-merge");
  }
}

Background::~Background() { stop(); }

void Background::stop() {
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
  }
  engine_.closing = true;  // a merge at hand may have minutes to go
  for (std::jthread& thread : threads_) thread.request_stop();
  work_.notify_all();
  changed_.notify_all();
  threads_.clear();
}

void Background::run(const std::stop_token& stop) {
  (void)setpriority(PRIO_PROCESS, 0, kNice);  // of this thread only, on Linux
  while (!stop.stop_requested()) {
    Result<bool> worked = work_once();
    if (worked.ok() && *worked) {
      wake();  // what was done may be something to do for another: a flush makes merges
      continue;
    }
    base::MutexLock lock(mutex_);
    if (stopped_) return;
    if (!worked.ok()) engine_.metrics.background_errors.add();
    if (worked.ok()) {
      work_.wait_for(mutex_, kIdleWait);
    } else {
      work_.wait_for(mutex_, kErrorWait);
    }
  }
}

void Background::wake() { work_.notify_one(); }

bool Background::enter() {
  base::MutexLock lock(mutex_);
  if (paused_ > 0) return false;
  ++running_;
  return true;
}

void Background::leave() {
  base::MutexLock lock(mutex_);
  --running_;
  changed_.notify_all();
}

void Background::pause() {
  base::MutexLock lock(mutex_);
  ++paused_;
  while (running_ > 0) changed_.wait_for(mutex_, kTurnWait);
}

void Background::resume() {
  base::MutexLock lock(mutex_);
  --paused_;
  changed_.notify_all();
  work_.notify_all();
}

Result<bool> Background::flush_step(Due due) {
  auto job = engine_.catalog.pick_flush(engine_.now(), engine_.journal->bytes(), due == Due::kEverything);
  if (!job) return false;
  CLEW_TRY(run_flush(engine_, *job));
  return true;
}

Result<bool> Background::rewrite_step(Due due) {
  auto job = engine_.catalog.pick_rewrite(engine_.now(), due == Due::kEverything, engine_.segment_deletes());
  if (!job) return false;
  CLEW_TRY(run_merge(engine_, *job));
  return true;
}

Result<bool> Background::merge_step(Due due) {
  auto job = engine_.catalog.pick_merge(engine_.now(), due == Due::kEverything);
  if (!job) return false;
  CLEW_TRY(run_merge(engine_, *job));
  return true;
}

Result<bool> Background::retention_step() {
  int64_t now = engine_.now();
  {
    base::MutexLock lock(mutex_);
    if (now - retention_checked_ < kRetentionEveryNs && now >= retention_checked_) return false;
    retention_checked_ = now;
  }
  std::vector<RetentionItem> removed = CLEW_TRY(run_retention(engine_));
  return !removed.empty();
}

Result<bool> Background::work_once() {
  if (!enter()) return false;
  Result<bool> worked = flush_step(Due::kPolicy);
  if (worked.ok() && !*worked && engine_.has_deletes.load()) worked = rewrite_step(Due::kPolicy);
  if (worked.ok() && !*worked) worked = merge_step(Due::kPolicy);
  if (worked.ok() && !*worked) worked = retention_step();
  leave();
  return worked;
}

// Repeats a step until it finds nothing and no other step runs that could leave something behind.
Status Background::drain(Result<bool> (Background::*step)(Due)) {
  while (true) {
    {
      base::MutexLock lock(mutex_);
      while (paused_ > 0) changed_.wait_for(mutex_, kTurnWait);
      ++running_;
    }
    Result<bool> worked = (this->*step)(Due::kEverything);
    leave();
    if (!worked.ok()) return std::move(worked).error();
    if (*worked) continue;
    base::MutexLock lock(mutex_);
    if (running_ == 0) return {};
    changed_.wait_for(mutex_, kTurnWait);
  }
}

Status Background::flush_now() { return drain(&Background::flush_step); }
Status Background::merge_all() { return drain(&Background::merge_step); }
Status Background::rewrite_deleted() { return drain(&Background::rewrite_step); }

bool Background::is_idle() {
  {
    base::MutexLock lock(mutex_);
    if (running_ > 0) return false;
  }
  return !engine_.catalog.is_work_due(engine_.now(), engine_.journal->bytes());
}

}  // namespace clew::logstore
