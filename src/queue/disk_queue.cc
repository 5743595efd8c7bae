#include "queue/disk_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace clew::queue {
namespace {

constexpr uint64_t kDiskShare = 10;    // the queue takes at most this part of the disk
constexpr uint64_t kFilesAtLeast = 8;  // files are that small a part of the queue, so that room comes back steadily
constexpr uint64_t kLargestShare = 4;  // a batch is at most this part of the queue
constexpr uint64_t kFirstFileBytes = 1u << 20;
constexpr uint64_t kGroupBytesMax = 16u << 20;
constexpr uint64_t kReserve = 1u << 20;  // offsets per write of the state
// Both slots of the state differ in what they reserve by at most one reservation; when the last is lost the other must
// do.
constexpr uint64_t kReserveGap = 2 * kReserve;
constexpr uint32_t kReadsMax = 3;  // in a row that fail before an entry counts as damaged
constexpr auto kWaitAtMost = std::chrono::milliseconds(500);

}  // namespace

struct DiskQueue::Append {
  std::string batch;
  uint64_t bytes = 0;  // in the journal, about
  QueueRecord record;
  bool done = false;
  Status status;
};

DiskQueue::DiskQueue(os::Disk& disk, const os::Clock& clock, os::Rng& rng, std::string dir, DiskQueueOptions options)
    : disk_(disk), clock_(clock), rng_(rng), dir_(dir), options_(options), state_file_(disk, std::move(dir)) {}

DiskQueue::~DiskQueue() { close(); }

// ---- open

struct DiskQueue::Recovery {
  struct Moved {
    uint64_t offset = 0;
    std::string place;
  };
  QueueState state;
  uint64_t acknowledged = 0;
  uint64_t last_offset = 0;
  uint64_t bad_records = 0;
  std::map<std::string, Moved> moved;  // by source; journal files may come back in any order
};

Result<std::unique_ptr<DiskQueue>> DiskQueue::open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                   std::string dir, DiskQueueOptions options) {
  CLEW_TRY(disk.make_dirs(dir));
  os::DiskSpace space = CLEW_TRY(disk.space(dir));
  options.disk_bytes_max = std::max(kDiskBytesLeast, std::min(options.disk_bytes_max, space.total_bytes / kDiskShare));
  options.file_bytes = std::min(options.file_bytes, options.disk_bytes_max / kFilesAtLeast);
  std::unique_ptr<DiskQueue> queue(new DiskQueue(disk, clock, rng, std::move(dir), options));
  queue->lock_ = CLEW_TRY(disk.lock_dir(queue->dir_));
  CLEW_TRY(queue->recover(
      {.first_file_bytes = std::min(kFirstFileBytes, options.file_bytes), .file_bytes = options.file_bytes}));
  return queue;
}

Status DiskQueue::recover(journal::JournalOptions options) {
  Recovery recovery;
  std::optional<QueueState> loaded = CLEW_TRY(state_file_.load());
  bool known = loaded.has_value();
  if (known) recovery.state = std::move(*loaded);
  recovery.acknowledged = recovery.state.acknowledged;
  journal::RecoveryReport report;
  auto each = [&](journal::RecoveredRecord&& record) { return take_record(std::move(record), recovery); };
  journal_ = CLEW_TRY(journal::Journal::open(disk_, rng_, dir_, options, each, report));

  producer_ = known ? recovery.state.producer : fmt::format("{:016x}{:08x}", rng_.next(), rng_.next() >> 32);
  base::MutexLock lock(mutex_);
  settle(recovery);
  stats_.damaged_entries = report.damaged_records + report.damaged_files + recovery.bad_records;
  // The name must be kept before anything is sent under it; append() sees to that when nothing waits.
  if (!known && !waiting_.empty()) CLEW_TRY(write_state(reserved_, Slots::kOne));
  (void)remove_acknowledged_files();  // tried again with the next acknowledgement
  return {};
}

Status DiskQueue::take_record(journal::RecoveredRecord&& found, Recovery& recovery) {
  Result<QueueRecord> decoded = decode_record(found.record.meta);
  if (!decoded.ok() && decoded.error().code() == Code::kUnsupported) return std::move(decoded).error();
  if (!decoded.ok() || found.record.blobs.size() > 1) {
    ++recovery.bad_records;
    return {};
  }
  QueueRecord& record = *decoded;
  base::MutexLock lock(mutex_);
  uint32_t source = source_number(record.places);
  FileUse& use = files_[found.file_number];
  use.file = found.file;
  recovery.last_offset = std::max(recovery.last_offset, record.offset);
  recovery.acknowledged = std::max(recovery.acknowledged, record.acknowledged);
  if (record.offset > recovery.state.applied) {
    for (contract::QueuePlace& place : record.places) {
      Recovery::Moved& moved = recovery.moved[place.source];
      if (moved.offset <= record.offset) moved = {record.offset, std::move(place.place)};
    }
    stats_.appended_rows += record.rows;
  }
  if (found.record.blobs.empty()) return {};
  use.last_batch_offset = std::max(use.last_batch_offset, record.offset);
  if (record.offset <= recovery.state.acknowledged) return {};
  const journal::BlobPlace& blob = found.record.blobs[0];
  waiting_.push_back({.offset = record.offset,
                      .at = blob.offset,
                      .appended_at = record.appended_at,
                      .file_number = static_cast<uint32_t>(found.file_number),
                      .bytes = static_cast<uint32_t>(blob.bytes),
                      .rows = record.rows,
                      .crc = record.batch_crc,
                      .source = source});
  return {};
}

void DiskQueue::settle(Recovery& recovery) {
  for (auto& [source, place] : recovery.state.places) move_place(source, place);
  for (auto& [source, moved] : recovery.moved) move_place(source, moved.place);
  auto earlier = [](const Waiting& a, const Waiting& b) { return a.offset < b.offset; };
  if (!std::is_sorted(waiting_.begin(), waiting_.end(), earlier)) std::sort(waiting_.begin(), waiting_.end(), earlier);
  acknowledged_ = recovery.acknowledged;
  state_acknowledged_ = recovery.state.acknowledged;
  applied_ = std::max(recovery.state.applied, recovery.last_offset);
  stats_.appended_rows += recovery.state.appended_rows;
  stats_.acknowledged_rows = recovery.state.acknowledged_rows;
  for (const Waiting& entry : waiting_) note_waiting(entry);
  while (!waiting_.empty() && waiting_.front().offset <= acknowledged_) {
    stats_.acknowledged_rows += waiting_.front().rows;
    forget_waiting(waiting_.front());
    waiting_.pop_front();
  }
  // Q3. A new queue begins with 1.
  uint64_t given_out = std::max(recovery.state.reserved, recovery.last_offset);
  reserved_ = given_out;
  next_offset_ = given_out == 0 ? 1 : given_out + kReserveGap + 1;
  state_bytes_ = state_file_.bytes();
}

// ---- append

Status DiskQueue::check_append(const std::string& batch, uint32_t rows,
                               const std::vector<contract::QueuePlace>& places) const {
  if (batch.empty() != (rows == 0) || (batch.empty() && places.empty())) {
    return Error(Code::kInvalid, fmt::format("a batch of {} bytes, {} rows and {} places for the queue", batch.size(),
                                             rows, places.size()));
  }
  if (batch.size() > std::min(kBatchBytesMax, options_.disk_bytes_max / kLargestShare)) {
    return Error(Code::kTooLarge, fmt::format("a batch of {} bytes for a queue of {}: at most a quarter of it",
                                              batch.size(), options_.disk_bytes_max));
  }
  if (places.size() > kPlacesMax) return Error(Code::kTooLarge, "more than 65,536 places with one batch");
  uint64_t places_bytes = 0;
  for (const contract::QueuePlace& place : places) {
    if (place.source.empty()) return Error(Code::kInvalid, "a place of a source without a name");
    if (place.source.size() > kSourceBytesMax) {
      return Error(Code::kTooLarge, "source " + clew::quoted(place.source) + " has a name of more than 4,096 bytes");
    }
    places_bytes += place.source.size() + place.place.size();
  }
  if (places_bytes > kPlacesBytesMax) return Error(Code::kTooLarge, "more than 8 MiB of places with one batch");
  return {};
}

Status DiskQueue::check_places(const std::vector<contract::QueuePlace>& places) const {
  uint64_t bytes = places_bytes_;
  for (const contract::QueuePlace& place : places) {
    if (!place.place.empty()) bytes += place.source.size() + place.place.size();
    auto it = places_.find(place.source);
    if (it != places_.end()) bytes -= std::min(bytes, it->first.size() + it->second.size());
  }
  if (bytes <= kPlacesBytesMax || bytes <= places_bytes_) return {};
  return Error(Code::kTooLarge, "the places of all sources together have more than 8 MiB: forget some");
}

// Bytes that the files grow by when so many are appended behind what waits already.
uint64_t DiskQueue::room_needed(uint64_t bytes) const {
  bytes += pending_bytes_;
  if (current_end_ + bytes <= current_bytes_) return 0;
  uint64_t next = current_bytes_ == 0 ? std::min(kFirstFileBytes, options_.file_bytes)
                                      : std::min(current_bytes_ * 2, options_.file_bytes);
  return std::max(next, bytes + journal::kFileHeaderBytes);
}

Status DiskQueue::check_room(uint64_t bytes) const {
  if (waiting_.size() + pending_.size() >= options_.entries_max) {
    return Error(Code::kOverloaded, fmt::format("the queue holds {} batches that wait: its limit", waiting_.size()));
  }
  uint64_t disk_bytes = journal_->bytes() + state_bytes_;
  if (disk_bytes + room_needed(bytes) > options_.disk_bytes_max) {
    return Error(Code::kOverloaded,
                 fmt::format("the queue has {} bytes on disk and may have {}", disk_bytes, options_.disk_bytes_max));
  }
  return {};
}

Result<uint64_t> DiskQueue::append(std::string batch, uint32_t rows, std::vector<contract::QueuePlace> places) {
  CLEW_TRY(check_append(batch, rows, places));
  Append mine{.batch = std::move(batch), .bytes = 0, .record = {}, .done = false, .status = {}};
  mine.record.batch_crc = base::crc32c(mine.batch);
  mine.record.rows = rows;
  mine.record.places = std::move(places);
  uint64_t meta_bytes = encode_record(mine.record).size() + 32;  // varints grow when they are known
  mine.bytes = mine.batch.size() + meta_bytes + journal::kRecordHeaderBytes + 3 * journal::kRecordAlign;

  base::MutexLock lock(mutex_);
  if (closed_) return Error(Code::kUnavailable, "the queue is closed");
  CLEW_TRY(check_places(mine.record.places));
  CLEW_TRY(check_room(mine.bytes));
  pending_bytes_ += mine.bytes;
  pending_.push_back(&mine);
  while (!mine.done) {
    if (committing_) {
      changed_.wait_for(mutex_, kWaitAtMost);
      continue;
    }
    committing_ = true;
    commit_group();
    committing_ = false;
    changed_.notify_all();
  }
  if (!mine.status.ok()) return std::move(mine.status).error();
  return mine.record.offset;
}

std::vector<DiskQueue::Append*> DiskQueue::take_group() {
  uint64_t limit = std::min(kGroupBytesMax, options_.file_bytes / 2);
  uint64_t bytes = 0;
  size_t count = 0;
  while (count < pending_.size() && (count == 0 || bytes + pending_[count]->bytes <= limit)) {
    bytes += pending_[count++]->bytes;
  }
  auto end = pending_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Append*> group(pending_.begin(), end);
  pending_.erase(pending_.begin(), end);
  pending_bytes_ -= bytes;
  return group;
}

// Makes what waits durable with one sync. The mutex is not held during I/O.
void DiskQueue::commit_group() {
  std::vector<Append*> group = take_group();
  for (Append* append : group) {
    append->record.offset = next_offset_++;  // not given out again, also when the append fails
    append->record.acknowledged = acknowledged_;
    append->record.appended_at = clock_.now().get();
  }
  Status reserved;
  if (next_offset_ - 1 > reserved_) {
    reserved = write_state(next_offset_ - 1 + kReserve, reserved_here_ ? Slots::kOne : Slots::kAll);
    reserved_here_ = reserved_here_ || reserved.ok();
  }
  Result<std::vector<journal::Place>> written = Error(Code::kIo, "nothing written");
  if (reserved.ok()) {
    mutex_.unlock();
    written = write_group(group);
    mutex_.lock();
  } else {
    written = std::move(reserved).error();
  }
  if (!written.ok()) current_end_ = current_bytes_ = 0;  // the next one goes to a new file
  for (size_t i = 0; i < group.size(); ++i) {
    if (written.ok()) {
      publish(*group[i], (*written)[i]);
    } else {
      group[i]->status = written.error();
    }
    group[i]->done = true;
  }
}

Result<std::vector<journal::Place>> DiskQueue::write_group(const std::vector<Append*>& group) {
  std::vector<std::string> metas;
  std::vector<journal::Blob> blobs;
  metas.reserve(group.size());
  blobs.reserve(group.size());
  std::vector<journal::Entry> entries;
  for (const Append* append : group) {
    metas.push_back(encode_record(append->record));
    blobs.push_back({append->batch, append->record.batch_crc});
    size_t count = append->batch.empty() ? 0 : 1;
    entries.push_back({metas.back(), std::span(&blobs.back(), count)});
  }
  return journal_->append(entries);
}

void DiskQueue::publish(Append& append, const journal::Place& place) {
  const QueueRecord& record = append.record;
  FileUse& use = files_[place.file_number];
  if (!use.file) {
    use.file = place.file;
    Result<uint64_t> bytes = place.file->size_bytes();
    current_bytes_ = bytes.ok() ? *bytes : place.offset + place.bytes;
  }
  current_end_ = place.offset + place.bytes;
  applied_ = record.offset;
  for (const contract::QueuePlace& moved : record.places) move_place(moved.source, moved.place);
  stats_.appended_rows += record.rows;
  if (place.blobs.empty()) return;
  use.last_batch_offset = record.offset;
  waiting_.push_back({.offset = record.offset,
                      .at = place.blobs[0].offset,
                      .appended_at = record.appended_at,
                      .file_number = static_cast<uint32_t>(place.file_number),
                      .bytes = static_cast<uint32_t>(append.batch.size()),
                      .rows = record.rows,
                      .crc = record.batch_crc,
                      .source = source_number(record.places)});
  note_waiting(waiting_.back());
}

void DiskQueue::move_place(const std::string& source, const std::string& place) {
  auto it = places_.find(source);
  if (it != places_.end()) {
    places_bytes_ -= source.size() + it->second.size();
    places_.erase(it);
  }
  if (place.empty()) return;
  places_bytes_ += source.size() + place.size();
  places_[source] = place;
}

std::map<std::string, std::string> DiskQueue::places() const {
  base::MutexLock lock(mutex_);
  return places_;
}

// ---- state and files

// Two threads may want it: one that reserves offsets, one that removes files.
Status DiskQueue::write_state(uint64_t reserved, Slots slots) {
  while (state_busy_) changed_.wait_for(mutex_, kWaitAtMost);
  state_busy_ = true;
  QueueState state{.generation = 0,
                   .producer = producer_,
                   .reserved = std::max(reserved, reserved_),
                   .acknowledged = acknowledged_,
                   .applied = applied_,
                   .appended_rows = stats_.appended_rows,
                   .acknowledged_rows = stats_.acknowledged_rows,
                   .places = places_};
  mutex_.unlock();
  Status written = slots == Slots::kAll ? state_file_.rewrite(state) : state_file_.write(state);
  mutex_.lock();
  state_busy_ = false;
  state_bytes_ = state_file_.bytes();
  changed_.notify_all();
  CLEW_TRY(std::move(written));
  reserved_ = std::max(reserved_, state.reserved);
  state_acknowledged_ = state.acknowledged;
  return {};
}

// Q2.
Status DiskQueue::remove_acknowledged_files() {
  if (removing_) return {};  // by another thread; what is missed now goes with the next acknowledgement
  std::vector<uint64_t> numbers = journal_->file_numbers();
  uint64_t current = journal_->current_file();
  std::vector<uint64_t> gone;
  for (uint64_t number : numbers) {
    // An append that goes on may be about to give up the last file.
    if (number == current || (committing_ && number == numbers.back())) continue;
    auto it = files_.find(number);
    if (it == files_.end() || it->second.last_batch_offset <= acknowledged_) gone.push_back(number);
  }
  if (gone.empty()) return {};
  removing_ = true;
  Status wrong = write_state(reserved_, Slots::kOne);
  if (!wrong.ok()) gone.clear();
  for (uint64_t number : gone) {
    files_.erase(number);
    mutex_.unlock();
    Status removed = journal_->remove_file(number);
    mutex_.lock();
    if (!removed.ok() && wrong.ok()) wrong = std::move(removed);
  }
  removing_ = false;
  changed_.notify_all();
  return wrong;
}

Status DiskQueue::acknowledge(uint64_t offset) {
  base::MutexLock lock(mutex_);
  offset = std::min(offset, applied_);
  if (offset <= acknowledged_) return {};
  while (!waiting_.empty() && waiting_.front().offset <= offset) {
    stats_.acknowledged_rows += waiting_.front().rows;
    forget_waiting(waiting_.front());
    waiting_.pop_front();
  }
  acknowledged_ = offset;
  changed_.notify_all();
  return remove_acknowledged_files();
}

void DiskQueue::note_waiting(const Waiting& entry) {
  ++stats_.waiting_entries;
  stats_.waiting_rows += entry.rows;
  stats_.waiting_bytes += entry.bytes;
  sources_[entry.source].second.waiting_rows += entry.rows;
}

void DiskQueue::forget_waiting(const Waiting& entry) {
  --stats_.waiting_entries;
  stats_.waiting_rows -= entry.rows;
  stats_.waiting_bytes -= entry.bytes;
  sources_[entry.source].second.waiting_rows -= entry.rows;
}

uint32_t DiskQueue::source_number(const std::vector<contract::QueuePlace>& places) {
  std::string name = places.empty() ? std::string() : places.back().source;
  auto [known, is_new] = source_numbers_.try_emplace(std::move(name), static_cast<uint32_t>(sources_.size()));
  if (is_new) sources_.emplace_back(known->first, contract::QueueShare());
  return known->second;
}

std::map<std::string, contract::QueueShare> DiskQueue::shares() const {
  base::MutexLock lock(mutex_);
  return {sources_.begin(), sources_.end()};
}

// ---- read

Result<std::optional<contract::QueueEntry>> DiskQueue::read(uint64_t from) {
  for (;;) {
    Waiting found;
    std::string source;
    std::shared_ptr<const os::File> file;
    {
      base::MutexLock lock(mutex_);
      auto it = std::lower_bound(waiting_.begin(), waiting_.end(), from,
                                 [](const Waiting& entry, uint64_t offset) { return entry.offset < offset; });
      if (it == waiting_.end()) return std::optional<contract::QueueEntry>();
      found = *it;
      source = sources_[found.source].first;
      file = files_.at(found.file_number).file;
    }
    Result<std::string> batch = file->read_at(found.at, found.bytes);
    bool whole = batch.ok() && base::crc32c(*batch) == found.crc;
    if (whole) {
      return std::optional<contract::QueueEntry>(contract::QueueEntry{.offset = found.offset,
                                                                      .rows = found.rows,
                                                                      .batch = std::move(batch).take(),
                                                                      .source = std::move(source),
                                                                      .appended_at = found.appended_at});
    }
    base::MutexLock lock(mutex_);
    bool may_pass = !batch.ok() && batch.error().code() != Code::kCorrupt;
    if (may_pass && !give_up_reading(found.offset)) return std::move(batch).error();
    drop_damaged(found.offset);
  }
}

// A read that failed may succeed when tried again; one that fails for ever must not hold up what comes behind.
bool DiskQueue::give_up_reading(uint64_t offset) {
  failing_reads_ = failing_offset_ == offset ? failing_reads_ + 1 : 1;
  failing_offset_ = offset;
  return failing_reads_ >= kReadsMax;
}

void DiskQueue::drop_damaged(uint64_t offset) {
  auto it = std::lower_bound(waiting_.begin(), waiting_.end(), offset,
                             [](const Waiting& entry, uint64_t o) { return entry.offset < o; });
  if (it == waiting_.end() || it->offset != offset) return;
  ++stats_.damaged_entries;
  stats_.damaged_rows += it->rows;
  sources_[it->source].second.damaged_rows += it->rows;
  forget_waiting(*it);
  waiting_.erase(it);
}

bool DiskQueue::readable(uint64_t from) const { return !waiting_.empty() && waiting_.back().offset >= from; }

bool DiskQueue::wait_readable(uint64_t from, std::chrono::milliseconds at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  base::MutexLock lock(mutex_);
  for (;;) {
    auto left = until - std::chrono::steady_clock::now();
    if (readable(from) || closed_ || left <= left.zero()) return readable(from);
    changed_.wait_for(mutex_, left);
  }
}

bool DiskQueue::wait_room(uint64_t bytes, std::chrono::milliseconds at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  base::MutexLock lock(mutex_);
  for (;;) {
    bool room = !closed_ && check_room(bytes).ok();
    auto left = until - std::chrono::steady_clock::now();
    if (room || closed_ || left <= left.zero()) return room;
    changed_.wait_for(mutex_, left);
  }
}

// ---- the rest

contract::QueueStats DiskQueue::stats() const {
  base::MutexLock lock(mutex_);
  contract::QueueStats stats = stats_;
  stats.disk_bytes = journal_->bytes() + state_bytes_;
  stats.disk_bytes_max = options_.disk_bytes_max;
  if (!waiting_.empty()) stats.oldest_age_ns = std::max<int64_t>(0, clock_.now().get() - waiting_.front().appended_at);
  return stats;
}

void DiskQueue::close() {
  base::MutexLock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  while (committing_ || removing_ || !pending_.empty()) changed_.wait_for(mutex_, kWaitAtMost);
  if (!journal_ || acknowledged_ == state_acknowledged_) return;
  (void)write_state(reserved_, Slots::kOne);  // forgotten acknowledgements are sent again and known by their keys
}

Status DiskQueue::verify() const {
  base::MutexLock lock(mutex_);
  auto wrong = [](std::string what) { return Error(Code::kInternal, "disk queue: " + std::move(what)); };
  uint64_t before = acknowledged_, rows = 0, bytes = 0, places_bytes = 0, shared_rows = 0;
  for (const Waiting& entry : waiting_) {
    if (entry.offset <= before) return wrong(fmt::format("offset {} behind {}", entry.offset, before));
    if (!files_.contains(entry.file_number)) return wrong(fmt::format("entry {} in no file", entry.offset));
    before = entry.offset;
    rows += entry.rows;
    bytes += entry.bytes;
  }
  for (const auto& [source, share] : sources_) shared_rows += share.waiting_rows;
  for (const auto& [source, place] : places_) places_bytes += source.size() + place.size();
  if (before > applied_ || acknowledged_ > applied_ || applied_ >= next_offset_) return wrong("offsets out of order");
  bool sums = rows == stats_.waiting_rows && rows == shared_rows && bytes == stats_.waiting_bytes &&
              places_bytes == places_bytes_ && waiting_.size() == stats_.waiting_entries;
  return sums ? Status() : wrong("sums do not agree");
}

}  // namespace clew::queue
