// The write-ahead journal: preallocated files of records, appended in groups with one sync each.
//
// Invariants:
//   J1. append() answers ok only when all its records are on disk (file synced, its name synced before).
//   J2. A file that an earlier process wrote is never written again; open() syncs it before its records count, since a
//       killed process may have left them in the page cache only.
//   J3. After a failed write or sync the file is cut back to its last good record and closed; after a failed sync, or
//       when cutting fails, the journal is sealed: no sync is ever tried twice.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "journal/record.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::journal {

struct JournalOptions {
  uint64_t first_file_bytes = 1u << 20;  // each file is made twice as large as the one before, up to
  uint64_t file_bytes = 64u << 20;       // this, cut to 1/16 of the disk; a greater record gets a file of its own
};

// A record as open() found it.
struct RecoveredRecord {
  uint64_t file_number = 0;
  std::shared_ptr<const os::File> file;
  Record record;
};

struct RecoveryReport {
  uint64_t files = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t damaged_records = 0;  // ranges between good records that hold none; at least one was there
  uint64_t damaged_bytes = 0;
  uint64_t damaged_files = 0;  // neither copy of the header is whole; renamed to NAME.bad
  uint64_t torn_tails = 0;
};

// Where an appended record lies.
struct Place {
  uint64_t file_number = 0;
  std::shared_ptr<const os::File> file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::vector<BlobPlace> blobs;
};

// Threads:  append by one thread at a time; the others on any thread.
// Lifetime: disk and rng outlive the journal. A file given out stays readable after remove_file().
// Crash:    see J1.
class Journal {
 public:
  // Gives every whole record of earlier files to `each`, oldest file first.
  // Errors: kIo, kFull, kUnsupported, and what `each` gives.
  static Result<std::unique_ptr<Journal>> open(os::Disk& disk, os::Rng& rng, std::string dir, JournalOptions options,
                                               const std::function<Status(RecoveredRecord&&)>& each,
                                               RecoveryReport& report);

  // Appends the entries in order; all are durable, or none counts. An entry of a failed append may still be found by
  // the next open() when its bytes reached the disk before the failure.
  // Errors: kFull (nothing kept, try again later); kTooLarge; kIo; kUnavailable when sealed.
  Result<std::vector<Place>> append(std::span<const Entry> entries);

  // Removes a file whose records are not needed any more, for good when it returns ok.  Requires: not current_file().
  Status remove_file(uint64_t number);

  // Bytes on disk of all files, and their numbers.
  uint64_t bytes() const;
  std::vector<uint64_t> file_numbers() const;
  // Number of each file and where its durable records end at this moment, at the latest.
  std::vector<std::pair<uint64_t, uint64_t>> file_ends() const;
  // The file being written; 0 when none is.
  uint64_t current_file() const;
  // Why no more can be written; ok while it can.
  Status health() const;

 private:
  struct Current {
    uint64_t number = 0;
    uint64_t salt = 0;
    uint64_t end = 0;  // of the last durable record
    uint64_t file_bytes = 0;
    std::shared_ptr<os::File> file;
  };

  Journal(os::Disk& disk, os::Rng& rng, std::string dir, JournalOptions options)
      : disk_(disk),
        rng_(rng),
        dir_(std::move(dir)),
        options_(options),
        next_file_bytes_(std::min(options.first_file_bytes, options.file_bytes)) {}
  std::string path_of(uint64_t number) const;
  Status recover_file(uint64_t number, const std::function<Status(RecoveredRecord&&)>& each, RecoveryReport& report);
  Status start_file(uint64_t at_least_bytes);
  Status make_file(Current& made);
  Status write_group(std::span<const Entry> entries, uint64_t bytes, std::vector<Place>& places);
  void abandon_current();
  void seal(const Error& why);

  os::Disk& disk_;
  os::Rng& rng_;
  const std::string dir_;
  const JournalOptions options_;
  uint64_t next_file_bytes_;
  std::string buffer_;

  mutable base::Mutex mutex_;
  Current current_ CLEW_GUARDED_BY(mutex_);
  std::map<uint64_t, uint64_t> file_bytes_ CLEW_GUARDED_BY(mutex_);  // by number
  uint64_t next_number_ CLEW_GUARDED_BY(mutex_) = 1;
  Status sealed_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::journal
