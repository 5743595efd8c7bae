// Files that other programs write, rename, cut and remove while we read them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace clew::os {

// What a file is, whatever its name. An inode is used again once its file is gone.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

struct FileInfo {
  FileId id;
  uint64_t bytes = 0;
  int64_t modified_nanos = 0;  // UTC
  bool has_name = true;        // false once its last name was removed
};

// Threads:  one at a time.
// Lifetime: keeps the file readable after it was removed.
class ForeignFile {
 public:
  // Regular files only, through symbolic links. Errors: kNotFound, kForbidden, kInvalid for what is no file, kIo.
  static Result<std::unique_ptr<ForeignFile>> open(const std::string& path);
  ~ForeignFile();
  ForeignFile(const ForeignFile&) = delete;
  ForeignFile& operator=(const ForeignFile&) = delete;

  Result<FileInfo> info() const;
  // Reads at most `bytes` at `offset`; fewer only at the end of the file, where it gives 0. Errors: kIo.
  Result<size_t> read_at(uint64_t offset, char* to, size_t bytes) const;

 private:
  explicit ForeignFile(int fd) : fd_(fd) {}
  int fd_;
};

// The files that a shell pattern names (*, ?, [...], {a,b}), in the order of their names. What cannot be read is left
// out.
std::vector<std::string> files_matching(const std::string& pattern);
// The directories in which such files would appear; those that there are.
std::vector<std::string> directories_matching(const std::string& pattern);

// Bytes from a pipe, as standard input is.
//
// Threads: read() by one; wake() by any.
class InputStream {
 public:
  // Of a descriptor that stays the caller's.
  explicit InputStream(int fd);
  ~InputStream();
  InputStream(const InputStream&) = delete;
  InputStream& operator=(const InputStream&) = delete;

  // What came, at most `bytes` of it; 0 at the end. Nothing when nothing came for so long, or wake() was called.
  // Errors: kIo.
  Result<std::optional<size_t>> read(char* to, size_t bytes, uint32_t milliseconds);
  void wake();

 private:
  const int fd_;
  const int event_;
};

// Wakes a reader when something happens in a directory: a file is made, renamed, removed or written.
//
// Threads: wait() by one; wake() by any.
class DirWatcher {
 public:
  // Where the system gives no watcher (its limit is reached) nothing is ever seen: look for yourself now and then.
  static std::unique_ptr<DirWatcher> make();
  ~DirWatcher();
  DirWatcher(const DirWatcher&) = delete;
  DirWatcher& operator=(const DirWatcher&) = delete;

  // No error when it is watched already. Errors: kNotFound, kIo; kUnsupported when the system gave no watcher.
  Status watch(const std::string& directory);
  bool watches() const { return inotify_ >= 0; }
  enum class Seen : uint8_t { kNothing, kWrites, kNames };  // kNames: files came, went or changed their names
  // Returns when something happened, wake() was called, or after `milliseconds`.
  Seen wait(uint32_t milliseconds);
  void wake();

 private:
  DirWatcher(int inotify, int event) : inotify_(inotify), event_(event) {}
  int inotify_;
  int event_;
};

}  // namespace clew::os
