// Batches that a server refused for what they are: kept aside with the reason, so that they hold up nothing and are not
// lost without a word.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "os/disk.h"

namespace clew::collect {

// Threads:  all functions on any thread.
// Lifetime: disk outlives it.
class RefusedBatches {
 public:
  RefusedBatches(os::Disk& disk, std::string dir, uint64_t bytes_max)
      : disk_(disk), dir_(std::move(dir)), bytes_max_(bytes_max) {}

  // Writes DIR/NAME.part, the batch, and DIR/NAME.txt, the reason, durably.
  // Errors: kFull when the directory has its most bytes, or the disk; kIo.
  Status keep(const std::string& name, std::string_view batch, std::string_view reason);
  // Counts the events of a refused batch durably, beside DIR (DIR.count): once, however often it is refused.
  // Errors: kFull, kIo.
  Status count(const std::string& name, const std::string& source, uint64_t events);
  // Events of all batches that were counted, over restarts; and of each source.
  uint64_t events() const;
  std::map<std::string, uint64_t> events_by_source() const;

 private:
  void load_count() const CLEW_REQUIRES(mutex_);
  Status write(const std::string& path, std::string_view bytes);
  Result<uint64_t> bytes_kept();

  os::Disk& disk_;
  const std::string dir_;
  const uint64_t bytes_max_;
  mutable base::Mutex mutex_;  // held during I/O: refusals are rare, and two must not count the same room
  mutable bool count_loaded_ CLEW_GUARDED_BY(mutex_) = false;
  mutable uint64_t events_ CLEW_GUARDED_BY(mutex_) = 0;
  mutable std::map<std::string, uint64_t> by_source_ CLEW_GUARDED_BY(mutex_);
  mutable std::deque<std::string> counted_ CLEW_GUARDED_BY(mutex_);  // names of the last ones
};

}  // namespace clew::collect
