#include "app/signals.h"

#include <unistd.h>

#include <ctime>

namespace clew::app {

Signals::Signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigemptyset(&set_);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

int Signals::wait() const {
  int signal = 0;
  while (sigwait(&set_, &signal) != 0) {
  }
  return signal;
}

int Signals::wait_for(std::chrono::milliseconds at_most) const {
  timespec limit{at_most.count() / 1000, at_most.count() % 1000 * 1'000'000};
  int signal = sigtimedwait(&set_, nullptr, &limit);
  return signal > 0 ? signal : 0;
}

ExitDeadline::ExitDeadline(std::chrono::milliseconds limit, std::function<void()> cut_off)
    : until_(std::chrono::steady_clock::now() + limit),
      cut_off_(std::move(cut_off)),
      thread_([this](const std::stop_token& stop) { wait(stop); }) {}

ExitDeadline::~ExitDeadline() {
  thread_.request_stop();
  base::MutexLock lock(mutex_);
  ended_.notify_all();
}

void ExitDeadline::wait(const std::stop_token& stop) {
  base::MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    auto left = until_ - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) {
      cut_off_();
      _exit(0);
    }
    ended_.wait_for(mutex_, left);
  }
}

}  // namespace clew::app
