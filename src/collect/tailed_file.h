// TailedFile: the events of one file, read as they come: lines, or lines with those that go on with them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/file_place.h"
#include "collect/input_file.h"
#include "os/foreign_file.h"
#include "process/continuation.h"

namespace clew::collect {

// Threads: one.
class TailedFile {
 public:
  // The event without its last newline; of a line over the limit the first line_bytes_max + 1 bytes.
  using TakeEvent = std::function<void(std::string_view event)>;

  // Goes on at `place`; the caller has seen that the file is that one.
  TailedFile(std::unique_ptr<os::ForeignFile> file, FilePlace place, size_t line_bytes_max);
  // A file that is compressed: read once from its begin, as it does not grow. `place` counts its plain bytes.
  TailedFile(std::unique_ptr<os::ForeignFile> file, std::unique_ptr<InputFile> plain, FilePlace place,
             size_t line_bytes_max);

  // Whether lines that go on with the one before belong to its event. An event then ends where the next one begins, or
  // by take_event().
  void join_lines(bool join) { join_ = join; }
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
  // Whether what was taken of a compressed file before is being read again.
  bool skipping() const { return skip_ > 0; }
  void rename(const std::string& path) { place_.path = path; }
  bool has_event() const { return event_bytes_ > 0; }
  bool has_rest() const { return event_bytes_ > 0 || held_bytes_ > 0; }

 private:
  Result<std::string_view> next_bytes(size_t bytes_max);
  void take_bytes(std::string_view bytes, const TakeEvent& take);
  void take_line(std::string_view line, uint64_t line_bytes, const TakeEvent& take);
  void give_event(const TakeEvent& take);
  void hold(std::string_view bytes);
  void note_taken(std::string_view bytes);
  void close_place();

  std::unique_ptr<os::ForeignFile> file_;
  std::unique_ptr<InputFile> plain_;
  const size_t line_bytes_max_;
  FilePlace place_;
  uint64_t skip_ = 0;  // plain bytes of a compressed file that were taken before
  std::string buffer_;
  bool join_ = false;
  process::Continuation continuation_;
  std::string event_;         // lines that came of an event whose end has not come
  uint64_t event_bytes_ = 0;  // in the file, newlines included; these are not taken yet
  std::string held_;          // the begin of a line whose end has not come
  uint64_t held_bytes_ = 0;   // of that line, also those over the limit
  std::string tail_;          // the last bytes before place_.offset
  std::string head_;          // the first bytes
};

// Whether the bytes before the place are those of the place.
Result<bool> stands_at(const os::ForeignFile& file, const FilePlace& place);
// Whether the file begins as the place's did; never for a place without a head.
Result<bool> begins_as(const os::ForeignFile& file, const FilePlace& place);

}  // namespace clew::collect
