// Background work: flushes, rewrites, merges, retention, on threads of its own or step by step.
#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "logstore/engine.h"

namespace clew::logstore {

// Threads:  all functions on any thread.
// Lifetime: engine outlives it; the destructor waits for the steps that run.
class Background {
 public:
  Background(Engine& engine, uint32_t threads);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Does one thing that is due; false when nothing is.
  Result<bool> work_once();
  Status flush_now();
  Status merge_all();
  // Rewrites every segment that has deleted rows.
  Status rewrite_deleted();
  // True when no step runs and none is due.
  bool is_idle();
  // Something may be due now.
  void wake();
  void stop();

  // While one is held, no step runs.
  class Pause {
   public:
    explicit Pause(Background& background) : background_(background) { background_.pause(); }
    ~Pause() { background_.resume(); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Background& background_;
  };

 private:
  enum class Due : uint8_t { kPolicy, kEverything };
  void run(const std::stop_token& stop);
  Result<bool> flush_step(Due due);
  Result<bool> rewrite_step(Due due);
  Result<bool> merge_step(Due due);
  Result<bool> retention_step();
  Status drain(Result<bool> (Background::*step)(Due));
  bool enter();
  void leave();
  void pause();
  void resume();

  Engine& engine_;
  base::Mutex mutex_;
  base::CondVar work_;     // there may be something to do
  base::CondVar changed_;  // a step began or ended, or may begin again
  uint32_t running_ CLEW_GUARDED_BY(mutex_) = 0;
  uint32_t paused_ CLEW_GUARDED_BY(mutex_) = 0;
  bool stopped_ CLEW_GUARDED_BY(mutex_) = false;
  int64_t retention_checked_ CLEW_GUARDED_BY(mutex_) = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace clew::logstore
