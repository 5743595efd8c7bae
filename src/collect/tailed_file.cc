#include "collect/tailed_file.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace clew::collect {
namespace {

constexpr size_t kReadBytes = 256 << 10;

}  // namespace

TailedFile::TailedFile(std::unique_ptr<os::ForeignFile> file, FilePlace place, size_t line_bytes_max)
    : file_(std::move(file)), line_bytes_max_(line_bytes_max), place_(std::move(place)) {
  place_.ended_nanos = 0;
  // What the next place's ends begin with.
  auto fill = [this](std::string& bytes, uint64_t offset, uint32_t size) {
    bytes.resize(size);
    Result<size_t> got = file_->read_at(offset, bytes.data(), size);
    bytes.resize(got.ok() ? *got : 0);
  };
  fill(tail_, place_.offset - place_.tail_bytes, place_.tail_bytes);
  fill(head_, 0, static_cast<uint32_t>(std::min<uint64_t>(place_.offset, kTailBytes)));
  close_place();
}

TailedFile::TailedFile(std::unique_ptr<os::ForeignFile> file, std::unique_ptr<InputFile> plain, FilePlace place,
                       size_t line_bytes_max)
    : file_(std::move(file)),
      plain_(std::move(plain)),
      line_bytes_max_(line_bytes_max),
      place_(std::move(place)),
      skip_(place_.offset) {
  place_.ended_nanos = 0;
  place_.offset = 0;
  place_.tail_bytes = 0;
  place_.head_bytes = 0;
}

Result<std::string_view> TailedFile::next_bytes(size_t bytes_max) {
  if (plain_) return plain_->read();
  buffer_.resize(std::min(bytes_max, kReadBytes));
  size_t got = CLEW_TRY(file_->read_at(place_.offset + event_bytes_ + held_bytes_, buffer_.data(), buffer_.size()));
  if (got == 0) return std::string_view();
  // Had the file been cut and written anew before these bytes were read, others would stand before them now.
  close_place();
  bool same = CLEW_TRY(stands_at(*file_, place_));
  return same ? std::string_view(buffer_).substr(0, got) : std::string_view();
}

Result<size_t> TailedFile::read(size_t bytes_max, const TakeEvent& take) {
  size_t read = 0;
  while (read < bytes_max) {
    std::string_view bytes = CLEW_TRY(next_bytes(bytes_max - read));
    if (bytes.empty()) break;
    read += bytes.size();
    uint64_t skipped = std::min<uint64_t>(skip_, bytes.size());
    if (skipped > 0) {
      note_taken(bytes.substr(0, skipped));
      skip_ -= skipped;
      bytes.remove_prefix(skipped);
    }
    take_bytes(bytes, take);
  }
  close_place();
  return read;
}

void TailedFile::take_bytes(std::string_view bytes, const TakeEvent& take) {
  size_t newline = held_bytes_ > 0 ? bytes.find('\n') : std::string_view::npos;
  if (newline != std::string_view::npos) {
    hold(bytes.substr(0, newline));
    take_line(held_, held_bytes_ + 1, take);
    held_.clear();
    held_bytes_ = 0;
    bytes.remove_prefix(newline + 1);
  }
  size_t taken = 0;  // without joining, of all lines at once
  while (held_bytes_ == 0) {
    newline = bytes.find('\n', taken);
    if (newline == std::string_view::npos) break;
    std::string_view line = bytes.substr(taken, newline - taken);
    if (join_) {
      take_line(line, line.size() + 1, take);
      bytes.remove_prefix(newline + 1);
      continue;
    }
    take(line);
    taken = newline + 1;
  }
  note_taken(bytes.substr(0, taken));
  hold(bytes.substr(taken));
}

// A whole line, of which `line_bytes` bytes are in the file.
void TailedFile::take_line(std::string_view line, uint64_t line_bytes, const TakeEvent& take) {
  bool goes_on = join_ && continuation_.continues(line) && event_bytes_ > 0;
  if (!goes_on) give_event(take);
  if (goes_on) event_ += '\n';
  event_ += line;
  event_bytes_ += line_bytes;
  if (!join_) give_event(take);
}

void TailedFile::take_event(const TakeEvent& take) {
  give_event(take);
  close_place();
}

// The place's hashes are left to the caller: one for many events.
void TailedFile::give_event(const TakeEvent& take) {
  if (event_bytes_ == 0) return;
  take(event_);
  bool whole = event_.size() + 1 == event_bytes_;
  uint64_t behind = place_.offset + event_bytes_;
  note_taken(event_);
  note_taken("\n");
  if (!whole) tail_.clear();  // its last bytes were not kept
  place_.offset = behind;
  event_.clear();
  event_bytes_ = 0;
}

// Of a line over the limit one byte more than the limit is held: its reader then sees that it was cut.
void TailedFile::hold(std::string_view bytes) {
  size_t room = line_bytes_max_ + 1 - std::min(held_.size(), line_bytes_max_ + 1);
  held_.append(bytes.substr(0, room));
  held_bytes_ += bytes.size();
}

void TailedFile::take_rest(const TakeEvent& take) {
  if (held_bytes_ > 0) {
    // The newline that it lacks is not counted.
    take_line(held_, held_bytes_ + 1, take);
    held_.clear();
    held_bytes_ = 0;
    take_event(take);
    --place_.offset;
    if (!tail_.empty()) tail_.pop_back();
  }
  take_event(take);
  continuation_.reset();
  close_place();
}

void TailedFile::note_taken(std::string_view bytes) {
  if (head_.size() < kTailBytes && head_.size() == place_.offset) {
    head_.append(bytes.substr(0, kTailBytes - head_.size()));
  }
  place_.offset += bytes.size();
  if (bytes.size() >= kTailBytes) {
    tail_.assign(bytes.substr(bytes.size() - kTailBytes));
    return;
  }
  tail_.append(bytes);
  if (tail_.size() > 8 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
}

void TailedFile::close_place() {
  std::string_view tail = tail_;
  if (tail.size() > kTailBytes) tail.remove_prefix(tail.size() - kTailBytes);
  place_.tail_bytes = static_cast<uint32_t>(tail.size());
  place_.tail_hash = base::hash64(tail);
  place_.head_bytes = static_cast<uint32_t>(head_.size());
  place_.head_hash = base::hash64(head_);
}

Result<bool> TailedFile::was_cut() const {
  if (plain_) return false;
  os::FileInfo info = CLEW_TRY(file_->info());
  if (info.bytes < place_.offset + event_bytes_ + held_bytes_) return true;
  bool stands = CLEW_TRY(stands_at(*file_, place_));
  return !stands;
}

void TailedFile::resume(std::unique_ptr<InputFile> plain) {
  plain_ = std::move(plain);
  skip_ = place_.offset;
  restart();
}

void TailedFile::restart() {
  place_.offset = 0;
  place_.tail_bytes = 0;
  tail_.clear();
  head_.clear();
  event_.clear();
  event_bytes_ = 0;
  held_.clear();
  held_bytes_ = 0;
  continuation_.reset();
  close_place();
}

Result<bool> stands_at(const os::ForeignFile& file, const FilePlace& place) {
  std::string tail(place.tail_bytes, '\0');
  size_t got = CLEW_TRY(file.read_at(place.offset - place.tail_bytes, tail.data(), tail.size()));
  if (got < tail.size()) return false;
  return tail.empty() || base::hash64(tail) == place.tail_hash;
}

Result<bool> begins_as(const os::ForeignFile& file, const FilePlace& place) {
  std::string head(place.head_bytes, '\0');
  size_t got = CLEW_TRY(file.read_at(0, head.data(), head.size()));
  return got == head.size() && !head.empty() && base::hash64(head) == place.head_hash;
}

}  // namespace clew::collect
