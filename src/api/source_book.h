// SourceBook: of each source of this server (a protocol, a listener) what came and what became of it, over restarts:
// received = stored + duplicate + dropped by rule + rejected by reason, once every write is answered.
//
// One file of JSON, written anew every two seconds while something changes, and when the book is closed: kill -9 and
// power failures lose the counts of the last seconds, which are in no sum then.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "api/flag_counts.h"
#include "api/json_body.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::api {

// The counts of one source.
//
// Threads: all functions on any thread.
class SourceTally {
 public:
  void received(uint64_t events) { received_.fetch_add(events, std::memory_order_relaxed); }
  void stored(uint64_t events) { stored_.fetch_add(events, std::memory_order_relaxed); }
  void duplicate(uint64_t events) { duplicate_.fetch_add(events, std::memory_order_relaxed); }
  void dropped(std::string_view rule, uint64_t events);
  void rejected(std::string_view reason, uint64_t events);
  // Of events that are stored.
  void flagged(const FlagCounts& counts);

 private:
  friend class SourceBook;
  uint64_t answered() const CLEW_REQUIRES(mutex_);
  Json json() const;
  void read(const Json& json);

  std::atomic<uint64_t> received_{0};
  std::atomic<uint64_t> stored_{0};
  std::atomic<uint64_t> duplicate_{0};
  mutable base::Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> dropped_ CLEW_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t, std::less<>> rejected_ CLEW_GUARDED_BY(mutex_);
  FlagCounts flagged_ CLEW_GUARDED_BY(mutex_);
  uint64_t udp_dropped_before_ = 0;  // by processes before; the book's
  uint64_t seen_received_ = 0;       // when the book looked last; the book's
  int64_t seen_ = 0;                 // when it had grown last, unix nanoseconds; the book's
};

// Threads:  all functions on any thread; one of its own, named clew-book.
// Lifetime: disk, clock and metrics outlive it, and it all counters of sources.
class SourceBook {
 public:
  // `path` is the file; its directory is there. A file that is damaged is begun anew.
  // Errors: kIo, kFull, kForbidden.
  static Result<std::unique_ptr<SourceBook>> open(os::Disk& disk, const os::Clock& clock, base::Registry& metrics,
                                                  std::string path);
  ~SourceBook();

  base::Registry& metrics() { return metrics_; }
  // Made when it is asked for first.
  SourceTally& of(const std::string& source);
  // Keeps what has changed since the last call. Errors: kIo, kFull.
  Status save();
  // A list of all that ever received anything, by name.
  Json answer() const;

 private:
  SourceBook(os::Disk& disk, const os::Clock& clock, base::Registry& metrics, std::string path)
      : disk_(disk), clock_(clock), metrics_(metrics), path_(std::move(path)) {}
  Status load();
  void look() CLEW_REQUIRES(mutex_);
  Json source_json(const std::string& name, const SourceTally& counts) const CLEW_REQUIRES(mutex_);
  void save_on(const std::stop_token& stop);

  os::Disk& disk_;
  const os::Clock& clock_;
  base::Registry& metrics_;
  const std::string path_;
  mutable base::Mutex mutex_;
  base::CondVar wake_;
  std::map<std::string, std::unique_ptr<SourceTally>> sources_ CLEW_GUARDED_BY(mutex_);
  base::Mutex save_mutex_;  // one at a time; held during I/O
  std::string saved_ CLEW_GUARDED_BY(save_mutex_);
  std::jthread thread_;
};

}  // namespace clew::api
