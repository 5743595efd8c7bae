#include "collect/host_source.h"

#include <chrono>
#include <utility>

namespace clew::collect {

HostSource::HostSource(HostSourceOptions options, std::unique_ptr<host::Host> host, const os::Clock& clock)
    : options_(std::move(options)), host_(std::move(host)), clock_(clock) {}

Status HostSource::run() {
  while (true) {
    collect();
    base::MutexLock lock(mutex_);
    uint64_t next = collected_ns_ + options_.every_nanos;
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

void HostSource::collect() {
  uint64_t begun = clock_.monotonic_ns();
  {
    base::MutexLock lock(mutex_);
    wanted_ = false;
  }
  samples_.clear();
  host_->collect(samples_);
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
