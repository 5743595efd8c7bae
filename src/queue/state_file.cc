#include "queue/state_file.h"

#include <algorithm>
#include <bit>

namespace clew::queue {
namespace {

constexpr uint64_t kSlotBytesMin = 32u << 10;
constexpr uint64_t kSlots = 2;
constexpr uint64_t kCopies = 2;  // in a slot

}  // namespace

Result<std::optional<QueueState>> StateFile::load() {
  Result<std::unique_ptr<os::File>> opened = disk_.open(path(), os::OpenMode::kReadWrite);
  if (!opened.ok() && opened.error().code() == Code::kNotFound) return std::optional<QueueState>();
  if (!opened.ok()) return std::move(opened).error();
  std::unique_ptr<os::File> file = std::move(opened).take();
  CLEW_TRY(file->sync());  // a process that was killed may have left it in memory only
  uint64_t file_bytes = CLEW_TRY(file->size_bytes());
  uint64_t copy_bytes = file_bytes / (kSlots * kCopies);
  std::optional<QueueState> best;
  for (uint64_t i = 0; i < kSlots * kCopies; ++i) {
    std::string bytes = CLEW_TRY(file->read_at(i * copy_bytes, copy_bytes));
    Result<QueueState> state = decode_state(bytes);
    if (!state.ok() && state.error().code() == Code::kUnsupported) return std::move(state).error().at(path());
    if (state.ok() && (!best || state->generation > best->generation)) best = std::move(state).take();
  }
  if (!best) {
    CLEW_TRY(disk_.rename(path(), path() + ".bad"));
    return std::optional<QueueState>();
  }
  generation_ = best->generation;
  slot_bytes_ = copy_bytes * kCopies;
  file_ = std::move(file);
  return best;
}

Status StateFile::write(QueueState& state) {
  state.generation = generation_ + 1;
  std::string copy = encode_state(state);
  if (file_ && copy.size() * kCopies <= slot_bytes_) {
    Status written = write_in_place(copy, state.generation);
    if (written.ok()) return written;
    file_.reset();
  }
  return rewrite(state);
}

Status StateFile::rewrite(QueueState& state) {
  state.generation = generation_ + 1;
  CLEW_TRY(replace(encode_state(state)));
  generation_ = state.generation;
  return {};
}

Status StateFile::write_in_place(const std::string& copy, uint64_t generation) {
  uint64_t slot = generation % kSlots * slot_bytes_;
  CLEW_TRY(file_->write_at(slot, copy));
  CLEW_TRY(file_->write_at(slot + slot_bytes_ / kCopies, copy));
  CLEW_TRY(file_->sync());
  generation_ = generation;
  return {};
}

Status StateFile::replace(const std::string& copy) {
  std::string made = path() + ".new";
  uint64_t slot_bytes = std::max(kSlotBytesMin, std::bit_ceil(copy.size() * kCopies * 2));
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(made, os::OpenMode::kReplace));
  Status done = file->allocate(slot_bytes * kSlots);
  for (uint64_t i = 0; i < kSlots * kCopies && done.ok(); ++i) {
    done = file->write_at(i * (slot_bytes / kCopies), copy);
  }
  if (done.ok()) done = file->sync();
  if (done.ok()) done = disk_.rename(made, path());
  if (done.ok()) done = disk_.sync_dir(dir_);
  if (!done.ok()) {
    (void)disk_.remove(made);  // it only takes room
    return done;
  }
  file_ = std::move(file);
  slot_bytes_ = slot_bytes;
  return {};
}

}  // namespace clew::queue
