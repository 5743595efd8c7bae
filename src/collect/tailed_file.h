// TailedFile: the events of one file, read as they come: lines, or lines with those that go on with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collect/event_lines.h"
#include "collect/file_place.h"
#include "collect/input_file.h"
#include "os/foreign_file.h"
#include "process/continuation.h"

namespace clew::collect {

// Threads: one.
class TailedFile {
 public:
  // Goes on at `place`; the caller has seen that the file is that one. Of a line over the limit an event has at least
  // the first line_bytes_max + 1 bytes.
  TailedFile(std::unique_ptr<os::ForeignFile> file, FilePlace place, size_t line_bytes_max);
  // A file that is compressed: read once from its begin, as it does not grow. `place` counts its plain bytes.
  TailedFile(std::unique_ptr<os::ForeignFile> file, std::unique_ptr<InputFile> plain, FilePlace place,
             size_t line_bytes_max);

  // What the lines are from the next one on; the event that is open may end by that. An event of joined lines ends
  // where the next one begins, or by take_event().
  void set_form(const LineForm& form);
  // Gives whole events until some `bytes_max` bytes were read or no more are there; the bytes that were read.
  // Errors: kIo, kCorrupt for compressed bytes; what was given before stays taken.
  Result<size_t> read(size_t bytes_max, const TakeEvent& take);
  // Takes the event of which more lines might have come.
  void take_event(const TakeEvent& take);
  // Takes it with what stands behind the last newline: nothing will follow.
  void take_rest(const TakeEvent& take);

  // Goes on with a compressed file that ended early, now that there is more of it.
  void resume(std::unique_ptr<InputFile> plain);
  // Whether it was cut, or cut and written anew, since its lines were taken.
  Result<bool> was_cut() const;
  // Begins anew at the first byte.
  void restart();

  os::ForeignFile& file() { return *file_; }
  bool compressed() const { return plain_ != nullptr; }
  // Requires: !skipping().
  const FilePlace& place() const { return place_; }
  // Where it is read next. Requires: !compressed().
  uint64_t next_offset() const { return place_.offset + (end_ - begin_) + cut_bytes(); }
  // Whether what was taken of a compressed file before is being read again.
  bool skipping() const { return skip_ > 0; }
  void rename(const std::string& path) { place_.path = path; }
  bool has_event() const { return line_begin_ > begin_; }
  bool has_rest() const { return end_ > begin_; }

 private:
  // A line over the limit, of which bytes were left out.
  struct Cut {
    size_t end;  // of what is there of it, in the buffer
    uint64_t bytes;
  };
  std::string_view view(size_t from, size_t to) const { return {buffer_.data() + from, to - from}; }
  uint64_t cut_bytes() const;
  Result<size_t> fill(size_t bytes_max);
  void make_room(size_t bytes);
  void free_buffer();
  void take_lines(const TakeEvent& take);
  void take_line(size_t line_end, const TakeEvent& take);
  void take_mark();
  void close_line(size_t line_end);
  void cut_line();
  void give_event(const TakeEvent& take);
  void advance(size_t to);
  void note_taken(std::string_view bytes);
  void close_place();

  std::unique_ptr<os::ForeignFile> file_;
  std::unique_ptr<InputFile> plain_;
  const size_t line_bytes_max_;
  FilePlace place_;
  uint64_t skip_ = 0;  // plain bytes of a compressed file that were taken before
  LineForm form_;
  std::optional<EventLines> lines_;  // where events are not the bytes of the file as they stand
  process::Continuation continuation_;
  // Bytes of the file: [begin_, line_begin_) are lines of an event that is open, then the begin of a line. What lies
  // before begin_ was given, and place_ says so at the end of each read.
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t line_begin_ = 0;
  size_t looked_ = 0;  // no newline from line_begin_ to here
  size_t end_ = 0;
  size_t noted_ = 0;       // of what was given, what place_ counts
  uint64_t line_cut_ = 0;  // bytes left out of the line that begins at line_begin_
  std::vector<Cut> cuts_;  // of the event that is open, in order
  std::string tail_;       // the last bytes before place_.offset
  std::string head_;       // the first bytes
};

// Whether the bytes before the place are those of the place.
Result<bool> stands_at(const os::ForeignFile& file, const FilePlace& place);
// Whether the file begins as the place's did; never for a place without a head.
Result<bool> begins_as(const os::ForeignFile& file, const FilePlace& place);

}  // namespace clew::collect
