// The journal of what must outlive a restart: alerts, silences, what was notified, who takes care.
//
// Invariants:
//   S1. write() answers ok only when its records are on disk.
//   S2. compact() writes everything again before it removes files, the oldest first: a record that says that something
//       is gone goes after what it speaks of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "notify/records.h"

namespace clew::notify {

// Threads:  one at a time.
// Lifetime: disk and rng outlive it.
class StateLog {
 public:
  // Errors: kIo, kFull, kUnsupported. A damaged record is left out and counted.
  static Result<std::unique_ptr<StateLog>> open(os::Disk& disk, os::Rng& rng, const std::string& dir, Records& found);

  // Each is a record of records.h.  Errors: as Journal::append.
  Status write(const std::vector<std::string>& records);
  // True when the files are much greater than what they say.
  bool wants_compaction() const;
  // The whole state anew, and the files before go.  Errors: as write.
  Status compact(const Records& all);
  uint64_t damaged() const { return damaged_; }

 private:
  StateLog() = default;

  std::unique_ptr<journal::Journal> journal_;
  uint64_t damaged_ = 0;
  uint64_t bytes_whole_ = 0;    // of the last whole state
  uint64_t bytes_written_ = 0;  // since
};

}  // namespace clew::notify
