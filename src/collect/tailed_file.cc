#include "collect/tailed_file.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace clew::collect {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kIdleBytes = 16 << 10;  // that a file keeps while nothing of it waits

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

void TailedFile::set_form(const LineForm& form) {
  if (form == form_) return;
  form_ = form;
  lines_.reset();
  bool plain = form.encoding == text::Encoding::kUtf8 && form.wrapping == Wrapping::kNone;
  if (!plain) lines_.emplace(form, line_bytes_max_);
  // What is open is read again in the new form.
  line_begin_ = looked_ = begin_;
  if (!plain_ && cut_bytes() > 0) end_ = begin_;
  cuts_.clear();
  line_cut_ = 0;
  continuation_ = process::Continuation(form_.join);
}

uint64_t TailedFile::cut_bytes() const {
  uint64_t bytes = line_cut_;
  for (const Cut& cut : cuts_) bytes += cut.bytes;
  return bytes;
}

// Makes room for further bytes behind end_.
void TailedFile::make_room(size_t bytes) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    for (Cut& cut : cuts_) cut.end -= begin_;
    line_begin_ -= begin_;
    looked_ -= begin_;
    end_ -= begin_;
    begin_ = noted_ = 0;
  }
  if (buffer_.size() < end_ + bytes) buffer_.resize(end_ + bytes);
}

void TailedFile::free_buffer() {
  buffer_ = {};
  begin_ = line_begin_ = looked_ = end_ = noted_ = 0;
}

// Reads on; 0 when there is nothing more.
Result<size_t> TailedFile::fill(size_t bytes_max) {
  if (plain_) {
    std::string_view bytes = CLEW_TRY(plain_->read());
    size_t got = bytes.size();
    uint64_t skipped = std::min<uint64_t>(skip_, got);
    note_taken(bytes.substr(0, skipped));
    skip_ -= skipped;
    bytes.remove_prefix(skipped);
    make_room(bytes.size());
    if (!bytes.empty()) std::memcpy(buffer_.data() + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
    return got;
  }
  size_t wanted = std::min(std::max(bytes_max, text::unit_bytes(form_.encoding)), kReadBytes);
  make_room(wanted);
  uint64_t at = next_offset();
  size_t got = CLEW_TRY(file_->read_at(at, buffer_.data() + end_, wanted));
  if (got == 0) return size_t{0};
  // Had the file been cut and written anew before these bytes were read, others would stand before them now.
  close_place();
  bool same = CLEW_TRY(stands_at(*file_, place_));
  if (!same) return size_t{0};
  end_ += got;
  return got;
}

Result<size_t> TailedFile::read(size_t bytes_max, const TakeEvent& take) {
  size_t read = 0;
  while (read < bytes_max) {
    size_t got = CLEW_TRY(fill(bytes_max - read));
    if (got == 0) break;
    read += got;
    take_lines(take);
    advance(begin_);
  }
  close_place();
  if (begin_ == end_ && buffer_.size() > kIdleBytes) free_buffer();
  return read;
}

// At the begin of a file, a byte order mark is no part of the first line.
void TailedFile::take_mark() {
  if (place_.offset != 0 || begin_ != noted_ || line_begin_ != begin_) return;
  size_t mark = text::mark_bytes(form_.encoding, view(begin_, end_));
  if (mark == 0) return;
  begin_ = line_begin_ = looked_ = begin_ + mark;
  advance(begin_);
}

void TailedFile::take_lines(const TakeEvent& take) {
  take_mark();
  const size_t unit = text::unit_bytes(form_.encoding);
  while (true) {
    size_t newline = text::find_newline(form_.encoding, view(line_begin_, end_), looked_ - line_begin_);
    if (newline == std::string_view::npos) break;
    newline += line_begin_;
    if (line_cut_ > 0) {  // of the line, what came after it was cut is left out too
      size_t kept = line_begin_ + (line_bytes_max_ + 1) * unit;
      line_cut_ += newline - kept;
      std::memmove(buffer_.data() + kept, buffer_.data() + newline, end_ - newline);
      end_ -= newline - kept;
      newline = kept;
    }
    take_line(newline, take);
  }
  looked_ = line_begin_ + (end_ - line_begin_) / unit * unit;
  cut_line();
}

// Of a line over the limit one unit more than the limit is kept: its reader then sees that it was cut.
void TailedFile::cut_line() {
  const size_t unit = text::unit_bytes(form_.encoding);
  size_t kept = (line_bytes_max_ + 1) * unit;  // a unit is at least one byte of UTF-8
  size_t has = (end_ - line_begin_) / unit * unit;
  if (has <= kept) return;
  size_t odd = end_ - line_begin_ - has;  // half a unit at the end
  line_cut_ += has - kept;
  std::memmove(buffer_.data() + line_begin_ + kept, buffer_.data() + line_begin_ + has, odd);
  end_ = line_begin_ + kept + odd;
  looked_ = line_begin_ + kept;
}

// The line that begins at line_begin_ ends here; what follows begins behind its newline.
void TailedFile::close_line(size_t line_end) {
  line_begin_ = looked_ = std::min(line_end + text::unit_bytes(form_.encoding), end_);
  if (line_cut_ > 0) cuts_.push_back({line_begin_, line_cut_});
  line_cut_ = 0;
}

void TailedFile::take_line(size_t line_end, const TakeEvent& take) {
  std::string_view line = view(line_begin_, line_end);
  if (lines_) {
    size_t from = line_begin_;
    close_line(line_end);
    lines_->add(line, line_begin_ - from, take);
    begin_ = line_begin_ - lines_->open_bytes();
    return;
  }
  if (!form_.join) {
    take({.text = line, .stream = {}});
    close_line(line_end);
    begin_ = line_begin_;
    return;
  }
  bool goes_on = continuation_.continues(line) && line_begin_ > begin_;
  if (!goes_on) give_event(take);
  close_line(line_end);
}

void TailedFile::take_event(const TakeEvent& take) {
  give_event(take);
  advance(begin_);
  close_place();
}

// Gives the event that is open.
void TailedFile::give_event(const TakeEvent& take) {
  if (line_begin_ == begin_) return;
  if (lines_) {
    lines_->end(take);
  } else {
    size_t end = line_begin_;
    if (buffer_[end - 1] == '\n') --end;
    take({.text = view(begin_, end), .stream = {}});
  }
  begin_ = line_begin_;
}

void TailedFile::take_rest(const TakeEvent& take) {
  if (end_ > line_begin_) take_line(end_, take);
  take_event(take);
  continuation_.reset();
}

// What lies before `to` was given: the place moves behind it.
void TailedFile::advance(size_t to) {
  size_t from = noted_;
  size_t cut = 0;
  for (; cut < cuts_.size() && cuts_[cut].end <= to; ++cut) {
    note_taken(view(from, cuts_[cut].end));
    place_.offset += cuts_[cut].bytes;
    tail_.clear();  // what stood last in the file was not kept
    from = cuts_[cut].end;
  }
  cuts_.erase(cuts_.begin(), cuts_.begin() + static_cast<ptrdiff_t>(cut));
  note_taken(view(from, to));
  noted_ = to;
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
  if (info.bytes < next_offset()) return true;
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
  begin_ = line_begin_ = looked_ = end_ = noted_ = 0;
  line_cut_ = 0;
  cuts_.clear();
  if (lines_) lines_->clear();
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
