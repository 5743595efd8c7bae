// How a long-running command is told to stop or to read its configuration again, and that it does end.
#pragma once

#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace clew::app {

// Blocks SIGTERM, SIGINT and SIGHUP for this thread and those that it makes, and lets SIGPIPE pass.
// Requires: called before any thread begins, so that signals reach only wait().
class Signals {
 public:
  Signals();
  // The next of them; 0 when none came in time.
  int wait() const;
  int wait_for(std::chrono::milliseconds at_most) const;

 private:
  sigset_t set_;
};

// Ends the process when stopping takes longer than the limit.
class ExitDeadline {
 public:
  // `cut_off` runs before the process is ended.
  ExitDeadline(std::chrono::milliseconds limit, std::function<void()> cut_off);
  ~ExitDeadline();
  ExitDeadline(const ExitDeadline&) = delete;
  ExitDeadline& operator=(const ExitDeadline&) = delete;

 private:
  void wait(const std::stop_token& stop);

  const std::chrono::steady_clock::time_point until_;
  const std::function<void()> cut_off_;
  base::Mutex mutex_;
  base::CondVar ended_;
  std::jthread thread_;
};

}  // namespace clew::app
