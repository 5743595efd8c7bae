#include "journal/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace clew::journal {
namespace {

constexpr uint64_t kDirectWriteBytes = 32u << 10;  // a blob of this size is written from where it lies, not copied
constexpr uint64_t kDiskShare = 16;                // a file takes at most this part of the disk
constexpr uint64_t kFileBytesMin = 64u << 10;
constexpr std::string_view kSuffix = ".journal";

// The number in "00000012.journal"; 0 for any other name.
uint64_t number_of(std::string_view name) {
  if (name.size() <= kSuffix.size() || name.substr(name.size() - kSuffix.size()) != kSuffix) return 0;
  name.remove_suffix(kSuffix.size());
  uint64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

Result<bool> is_all_zeros(const os::File& file, uint64_t bytes) {
  constexpr uint64_t kPieceBytes = 1u << 20;
  for (uint64_t at = 0; at < bytes; at += kPieceBytes) {
    std::string piece = CLEW_TRY(file.read_at(at, std::min(kPieceBytes, bytes - at)));
    if (piece.find_first_not_of('\0') != std::string::npos) return false;
  }
  return true;
}

}  // namespace

std::string Journal::path_of(uint64_t number) const { return fmt::format("{}/{:08}{}", dir_, number, kSuffix); }

Result<std::unique_ptr<Journal>> Journal::open(os::Disk& disk, os::Rng& rng, std::string dir, JournalOptions options,
                                               const std::function<Status(RecoveredRecord&&)>& each,
                                               RecoveryReport& report) {
  CLEW_TRY(disk.make_dirs(dir));
  os::DiskSpace space = CLEW_TRY(disk.space(dir));
  options.file_bytes = std::max(kFileBytesMin, std::min(options.file_bytes, space.total_bytes / kDiskShare));
  std::unique_ptr<Journal> journal(new Journal(disk, rng, std::move(dir), options));
  std::vector<uint64_t> numbers;
  for (const os::DirEntry& entry : CLEW_TRY(disk.list(journal->dir_))) {
    uint64_t number = number_of(entry.name);
    if (number != 0 && !entry.is_dir) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  for (uint64_t number : numbers) {
    journal->next_number_ = number + 1;
    CLEW_TRY(journal->recover_file(number, each, report));
  }
  return journal;
}

Status Journal::recover_file(uint64_t number, const std::function<Status(RecoveredRecord&&)>& each,
                             RecoveryReport& report) {
  std::unique_ptr<os::File> opened = CLEW_TRY(disk_.open(path_of(number), os::OpenMode::kReadWrite));
  std::shared_ptr<os::File> file = std::move(opened);
  CLEW_TRY(file->sync());
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  Result<FileHeader> header = read_file_header(*file);
  if (!header.ok()) {
    if (header.error().code() != Code::kCorrupt) return std::move(header).error();
    // A file whose making was cut short by a power loss never held a record.
    bool unmade = CLEW_TRY(is_all_zeros(*file, bytes));
    if (unmade) return disk_.remove(path_of(number));
    ++report.damaged_files;
    return disk_.rename(path_of(number), path_of(number) + ".bad");
  }
  auto give = [&](Record&& record) { return each({number, file, std::move(record)}); };
  ScanReport scan = CLEW_TRY(scan_file(*file, *header, give));
  ++report.files;
  report.records += scan.records;
  report.bytes += bytes;
  report.torn_tails += scan.torn_tail ? 1 : 0;
  report.damaged_records += scan.damaged.size();
  for (const DamagedRange& d : scan.damaged) report.damaged_bytes += d.bytes;
  base::MutexLock lock(mutex_);
  file_bytes_[number] = bytes;
  return {};
}

Status Journal::make_file(Current& made) {
  std::string path = path_of(made.number);
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path, os::OpenMode::kReplace));
  Status done = file->allocate(made.file_bytes);
  if (done.ok()) done = file->write_at(0, encode_file_header({made.number, made.salt, made.file_bytes}));
  if (done.ok()) done = file->sync();
  if (done.ok()) done = disk_.sync_dir(dir_);
  if (!done.ok()) {
    (void)disk_.remove(path);  // the next open() would find it empty; it only takes room
    return done;
  }
  made.file = std::move(file);
  return {};
}

Status Journal::start_file(uint64_t at_least_bytes) {
  Current made;
  made.salt = rng_.next();
  made.end = kFileHeaderBytes;
  made.file_bytes = std::max(next_file_bytes_, kFileHeaderBytes + at_least_bytes);
  {
    base::MutexLock lock(mutex_);
    made.number = next_number_++;
  }
  CLEW_TRY(make_file(made));
  next_file_bytes_ = std::min(options_.file_bytes, made.file_bytes * 2);
  base::MutexLock lock(mutex_);
  file_bytes_[made.number] = made.file_bytes;
  current_ = std::move(made);
  return {};
}

Result<std::vector<Place>> Journal::append(std::span<const Entry> entries) {
  CLEW_TRY(health());
  uint64_t bytes = 0;
  for (const Entry& entry : entries) {
    uint64_t n = record_bytes(entry);
    if (n > kRecordBytesMax || entry.meta.size() > kMetaBytesMax || entry.blobs.size() > kBlobsMax) {
      return Error(Code::kTooLarge, "a journal record of " + std::to_string(n) + " bytes");
    }
    bytes += n;
  }
  bool fits = false;
  {
    base::MutexLock lock(mutex_);
    fits = current_.file && current_.end + bytes <= current_.file_bytes;
  }
  if (!fits) CLEW_TRY(start_file(bytes));
  std::vector<Place> places;
  Status written = write_group(entries, bytes, places);
  if (!written.ok()) {
    abandon_current();
    return std::move(written).error();
  }
  Status synced = current_.file->sync();
  if (!synced.ok()) {
    abandon_current();
    seal(synced.error());
    return std::move(synced).error();
  }
  base::MutexLock lock(mutex_);
  current_.end += bytes;
  return places;
}

// Small pieces are gathered and written at once, large ones from where they lie.
Status Journal::write_group(std::span<const Entry> entries, uint64_t bytes, std::vector<Place>& places) {
  uint64_t at = current_.end;  // of the first byte of buffer_
  buffer_.clear();
  auto flush = [&]() -> Status {
    if (buffer_.empty()) return {};
    CLEW_TRY(current_.file->write_at(at, buffer_));
    at += buffer_.size();
    buffer_.clear();
    return {};
  };
  for (const Entry& entry : entries) {
    Place place{current_.number, current_.file, at + buffer_.size(), record_bytes(entry), {}};
    encode_record_head(entry, current_.salt, buffer_);
    for (const Blob& blob : entry.blobs) {
      place.blobs.push_back({at + buffer_.size(), blob.bytes.size()});
      uint64_t padded = (blob.bytes.size() + kRecordAlign - 1) & ~(kRecordAlign - 1);
      if (blob.bytes.size() >= kDirectWriteBytes) {
        CLEW_TRY(flush());
        CLEW_TRY(current_.file->write_at(at, blob.bytes));
        at += blob.bytes.size();
      } else {
        buffer_.append(blob.bytes);
      }
      buffer_.append(padded - blob.bytes.size(), '\0');
    }
    places.push_back(std::move(place));
  }
  CLEW_TRY(flush());
  CHECK(at == current_.end + bytes, at, current_.end, bytes);
  return {};
}

void Journal::abandon_current() {
  Current old;
  {
    base::MutexLock lock(mutex_);
    old = std::move(current_);
    current_ = Current();
  }
  Status cut = old.file->truncate(old.end);
  if (cut.ok()) cut = old.file->sync();
  if (!cut.ok()) {
    seal(cut.error());
    return;
  }
  base::MutexLock lock(mutex_);
  file_bytes_[old.number] = old.end;
}

void Journal::seal(const Error& why) {
  base::MutexLock lock(mutex_);
  if (!sealed_.ok()) return;
  sealed_ = Error(Code::kUnavailable, "the journal takes no more writes until a restart: " + why.message());
}

Status Journal::remove_file(uint64_t number) {
  {
    base::MutexLock lock(mutex_);
    CHECK(current_.number != number, number);
  }
  CLEW_TRY(disk_.remove(path_of(number)));
  {
    base::MutexLock lock(mutex_);
    file_bytes_.erase(number);
  }
  return disk_.sync_dir(dir_);
}

uint64_t Journal::bytes() const {
  base::MutexLock lock(mutex_);
  uint64_t total = 0;
  for (const auto& [number, bytes] : file_bytes_) total += bytes;
  return total;
}

std::vector<uint64_t> Journal::file_numbers() const {
  base::MutexLock lock(mutex_);
  std::vector<uint64_t> numbers;
  for (const auto& [number, bytes] : file_bytes_) numbers.push_back(number);
  return numbers;
}

std::vector<std::pair<uint64_t, uint64_t>> Journal::file_ends() const {
  base::MutexLock lock(mutex_);
  std::vector<std::pair<uint64_t, uint64_t>> ends(file_bytes_.begin(), file_bytes_.end());
  for (auto& [number, end] : ends) {
    if (number == current_.number) end = current_.end;
  }
  return ends;
}

uint64_t Journal::current_file() const {
  base::MutexLock lock(mutex_);
  return current_.number;
}

Status Journal::health() const {
  base::MutexLock lock(mutex_);
  return sealed_;
}

}  // namespace clew::journal
