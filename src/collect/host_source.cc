#include "collect/host_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace clew::collect {

HostSource::HostSource(HostSourceOptions options, std::unique_ptr<host::Host> host, const os::Clock& clock)
    : options_(std::move(options)), host_(std::move(host)), clock_(clock) {}

Status HostSource::run() {
  uint64_t next = clock_.monotonic_ns();  // when it is time by itself
  while (true) {
    bool due = clock_.monotonic_ns() >= next;
    collect(due);
    if (due) next = std::max(next + options_.every_nanos, clock_.monotonic_ns());
    base::MutexLock lock(mutex_);
    while (!stop_ && !wanted_) {
      uint64_t now = clock_.monotonic_ns();
      if (now >= next) break;
      changed_.wait_for(mutex_, std::chrono::nanoseconds(next - now));
    }
    if (stop_) return {};
  }
}

void HostSource::stop() {
  base::MutexLock lock(mutex_);
  stop_ = true;
  changed_.notify_all();
}

void HostSource::collect(bool due) {
  uint64_t begun = clock_.monotonic_ns();
  {
    base::MutexLock lock(mutex_);
    wanted_ = false;
  }
  int64_t unix_millis = clock_.now().get() / 1'000'000;
  samples_.clear();
  host_->collect(samples_);
  if (due && options_.measured) options_.measured(samples_, unix_millis);
  std::string text;
  host::append_prometheus(samples_, text);
  base::MutexLock lock(mutex_);
  text_ = std::move(text);
  collected_ns_ = begun;
  changed_.notify_all();
}

void HostSource::append_metrics(std::string& out) {
  base::MutexLock lock(mutex_);
  const uint64_t asked = clock_.monotonic_ns();
  const uint64_t fresh_from = asked <= options_.fresh_nanos ? 1 : asked - options_.fresh_nanos;
  while (!stop_ && (collected_ns_ == 0 || collected_ns_ < fresh_from)) {
    uint64_t now = clock_.monotonic_ns();
    if (now >= asked + options_.wait_nanos) break;
    if (!wanted_) {
      wanted_ = true;
      changed_.notify_all();
    }
    changed_.wait_for(mutex_, std::chrono::nanoseconds(asked + options_.wait_nanos - now));
  }
  out += text_;
}

}  // namespace clew::collect
