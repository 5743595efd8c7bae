// DiskQueue keeps batches in a journal of its own until they are acknowledged.
//
// A record of the journal is a batch and the places of its sources. The state file holds what must outlive the records:
// the queue's name, the offsets given out, the acknowledged offset and all places.
//
// Invariants:
//   Q1. A batch and its places are one record: there both or neither.
//   Q2. A journal file is removed only after a state is durable that is not older than its last record and says that
//       all its batches are acknowledged.
//   Q3. No offset is given out beyond `reserved` of a durable state. A process reserves first in all slots of the
//       state, then in one at a time, and begins far beyond what it finds reserved: an offset is never given out twice,
//       whatever is lost of the journal or of the last state.
//   Q4. When no copy of the state is whole the queue takes a new name: its keys are new, so nothing that is sent is
//       taken for a duplicate. What was sent before the loss and waits still may be stored twice, none is lost.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "contract/queue.h"
#include "journal/journal.h"
#include "os/clock.h"
#include "os/disk.h"
#include "queue/queue_record.h"
#include "queue/state_file.h"

namespace clew::queue {

struct DiskQueueOptions {
  uint64_t disk_bytes_max = uint64_t{1} << 30;  // of all files; cut to a tenth of the disk, at least kDiskBytesLeast
  uint64_t file_bytes = 64u << 20;              // of a journal file; cut to an eighth of disk_bytes_max
  uint32_t entries_max = 400'000;               // that wait; each takes 40 bytes of memory
};
constexpr uint64_t kDiskBytesLeast = 1u << 20;
constexpr uint64_t kBatchBytesMax = 64u << 20;  // and a quarter of disk_bytes_max

// Threads:  all functions on any thread; none of its own. Threads that append at the same time share one sync.
// Lifetime: disk, clock and rng outlive it.
// Crash:    see contract::Queue and Q1 to Q4.
class DiskQueue final : public contract::Queue {
 public:
  // Makes the directory when it is not there, and locks it.
  // Errors: kExists when another process has it; kUnsupported when a later version wrote it; kIo, kFull.
  static Result<std::unique_ptr<DiskQueue>> open(os::Disk& disk, const os::Clock& clock, os::Rng& rng, std::string dir,
                                                 DiskQueueOptions options);
  ~DiskQueue() override;

  const std::string& producer() const override { return producer_; }
  Result<uint64_t> append(std::string batch, uint32_t rows, std::vector<contract::QueuePlace> places) override;
  std::map<std::string, std::string> places() const override;
  Result<std::optional<contract::QueueEntry>> read(uint64_t from) override;
  bool wait_readable(uint64_t from, std::chrono::milliseconds at_most) override;
  bool wait_room(uint64_t bytes, std::chrono::milliseconds at_most) override;
  Status acknowledge(uint64_t offset) override;
  contract::QueueStats stats() const override;
  std::map<std::string, contract::QueueShare> shares() const override;
  void close() override;

  // Why nothing can be appended until a restart; ok while it can.
  Status health() const { return journal_->health(); }
  // Walks all invariants of what is in memory.
  Status verify() const;

 private:
  struct Append;    // one that waits for the disk
  struct Recovery;  // what open() finds
  struct Waiting {  // an entry that is not acknowledged
    uint64_t offset = 0;
    uint64_t at = 0;  // of the batch in its file
    int64_t appended_at = 0;
    uint32_t file_number = 0;
    uint32_t bytes = 0;
    uint32_t rows = 0;
    uint32_t crc = 0;
    uint32_t source = 0;  // in sources_
  };
  struct FileUse {
    std::shared_ptr<const os::File> file;
    uint64_t last_batch_offset = 0;  // 0: its records have places only
  };

  DiskQueue(os::Disk& disk, const os::Clock& clock, os::Rng& rng, std::string dir, DiskQueueOptions options);
  Status recover(journal::JournalOptions options);
  Status take_record(journal::RecoveredRecord&& record, Recovery& recovery);
  void settle(Recovery& recovery) CLEW_REQUIRES(mutex_);
  Status check_places(const std::vector<contract::QueuePlace>& places) const CLEW_REQUIRES(mutex_);
  uint64_t room_needed(uint64_t bytes) const CLEW_REQUIRES(mutex_);
  Status check_room(uint64_t bytes) const CLEW_REQUIRES(mutex_);
  Status check_append(const std::string& batch, uint32_t rows, const std::vector<contract::QueuePlace>& places) const;
  std::vector<Append*> take_group() CLEW_REQUIRES(mutex_);
  void commit_group() CLEW_REQUIRES(mutex_);
  Result<std::vector<journal::Place>> write_group(const std::vector<Append*>& group);
  void publish(Append& append, const journal::Place& place) CLEW_REQUIRES(mutex_);
  void move_place(const std::string& source, const std::string& place) CLEW_REQUIRES(mutex_);
  enum class Slots : uint8_t { kOne, kAll };
  Status write_state(uint64_t reserved, Slots slots) CLEW_REQUIRES(mutex_);
  Status remove_acknowledged_files() CLEW_REQUIRES(mutex_);
  void note_waiting(const Waiting& entry) CLEW_REQUIRES(mutex_);
  void forget_waiting(const Waiting& entry) CLEW_REQUIRES(mutex_);
  uint32_t source_number(const std::vector<contract::QueuePlace>& places) CLEW_REQUIRES(mutex_);
  bool readable(uint64_t from) const CLEW_REQUIRES(mutex_);
  bool give_up_reading(uint64_t offset) CLEW_REQUIRES(mutex_);
  void drop_damaged(uint64_t offset) CLEW_REQUIRES(mutex_);

  os::Disk& disk_;
  const os::Clock& clock_;
  os::Rng& rng_;
  const std::string dir_;
  DiskQueueOptions options_;
  std::unique_ptr<os::DirLock> lock_;
  std::string producer_;
  std::unique_ptr<journal::Journal> journal_;
  StateFile state_file_;  // used by whoever set state_busy_

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<Waiting> waiting_ CLEW_GUARDED_BY(mutex_);  // by offset
  std::vector<std::pair<std::string, contract::QueueShare>> sources_ CLEW_GUARDED_BY(mutex_);
  std::map<std::string, uint32_t> source_numbers_ CLEW_GUARDED_BY(mutex_);
  std::map<uint64_t, FileUse> files_ CLEW_GUARDED_BY(mutex_);  // by number
  std::map<std::string, std::string> places_ CLEW_GUARDED_BY(mutex_);
  uint64_t places_bytes_ CLEW_GUARDED_BY(mutex_) = 0;  // keys and places
  std::vector<Append*> pending_ CLEW_GUARDED_BY(mutex_);
  uint64_t pending_bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  bool committing_ CLEW_GUARDED_BY(mutex_) = false;  // a thread appends
  bool removing_ CLEW_GUARDED_BY(mutex_) = false;    // a thread removes files
  bool state_busy_ CLEW_GUARDED_BY(mutex_) = false;
  bool closed_ CLEW_GUARDED_BY(mutex_) = false;
  uint64_t next_offset_ CLEW_GUARDED_BY(mutex_) = 1;
  uint64_t reserved_ CLEW_GUARDED_BY(mutex_) = 0;            // durable
  bool reserved_here_ CLEW_GUARDED_BY(mutex_) = false;       // by this process
  uint64_t state_bytes_ CLEW_GUARDED_BY(mutex_) = 0;         // of the state file
  uint64_t applied_ CLEW_GUARDED_BY(mutex_) = 0;             // offset of the last durable record
  uint64_t acknowledged_ CLEW_GUARDED_BY(mutex_) = 0;        // offset
  uint64_t state_acknowledged_ CLEW_GUARDED_BY(mutex_) = 0;  // what the durable state says
  uint64_t current_end_ CLEW_GUARDED_BY(mutex_) = 0;         // of the journal file being written
  uint64_t current_bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  uint64_t failing_offset_ CLEW_GUARDED_BY(mutex_) = 0;  // that could not be read, so many times in a row
  uint32_t failing_reads_ CLEW_GUARDED_BY(mutex_) = 0;
  contract::QueueStats stats_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::queue
