// The state of a queue in a file of fixed size, written in place, so that a full disk does not keep a queue from
// removing what was acknowledged.
//
// Invariants:
//   S1. The file has two slots of two equal copies each. A write goes to the slot that does not hold the last state,
//       so that a torn write leaves the one before whole.
//   S2. After a failed write the file is not written again: a new one takes its name.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/disk.h"
#include "queue/queue_record.h"

namespace clew::queue {

// Threads:  one at a time.
// Lifetime: disk outlives it.
class StateFile {
 public:
  StateFile(os::Disk& disk, std::string dir) : disk_(disk), dir_(std::move(dir)) {}

  // The last state that is whole; nothing when the file is not there or no copy is whole (it is then renamed to
  // state.bad).
  // Errors: kIo; kUnsupported for a later version.
  Result<std::optional<QueueState>> load();
  // Makes the state durable in one slot; sets its generation.
  // Errors: kFull, kIo.
  Status write(QueueState& state);
  // The same in all slots, in a new file.
  Status rewrite(QueueState& state);
  // Bytes of the file.
  uint64_t bytes() const { return slot_bytes_ * 2; }

 private:
  Status write_in_place(const std::string& copy, uint64_t generation);
  Status replace(const std::string& copy);
  std::string path() const { return dir_ + "/state"; }

  os::Disk& disk_;
  const std::string dir_;
  std::unique_ptr<os::File> file_;
  uint64_t slot_bytes_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace clew::queue
