// How far a file has been read, in words that hold when the file is renamed, cut, copied or its inode used again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/foreign_file.h"

namespace clew::collect {

constexpr uint32_t kTailBytes = 1024;

// A file is the one that was read when the bytes before the place are those that were taken last: an inode alone may be
// another file's by now, and a file that was cut and has grown again is as long as before.
struct FilePlace {
  os::FileId id;
  uint64_t offset = 0;      // behind the last line that was taken; of compressed files, in what they hold
  uint32_t tail_bytes = 0;  // at most kTailBytes, the bytes before `offset`
  uint64_t tail_hash = 0;   // base::hash64 of them
  uint32_t head_bytes = 0;  // at most kTailBytes, the first bytes of the file, none of them behind `offset`
  uint64_t head_hash = 0;
  int64_t ended_nanos = 0;  // UTC; when the file was seen to be gone or cut, 0 while it is there
  std::string path;         // as it was called last
  friend bool operator==(const FilePlace&, const FilePlace&) = default;
};

// One line of text, as the queue keeps it.
std::string print_place(const FilePlace& place);
// Errors: kCorrupt.
Result<FilePlace> parse_place(std::string_view text);

// Whether a file called `name` may be what rotation made of one called `of`, or hold the same lines: app.log,
// app.log.1, app.log-20261130, app.log.2.gz. Only the last part of a path counts, and both lie in one directory.
bool may_be_rotated(std::string_view name, std::string_view of);
// Whether it may be a later name of it, or of a copy: app.log.1 of app.log, and not the other way.
bool may_be_later_name(std::string_view name, std::string_view of);

}  // namespace clew::collect
