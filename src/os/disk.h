// The disk as clew sees it: files of bytes at offsets, directories, and the promises that sync makes.
//
// What survives power loss, and nothing more:
//   1. bytes covered by a File::sync() that returned ok;
//   2. a created, renamed or removed name after sync_dir() of its directory returned ok.
// After a failed sync() the file's unsynced bytes are in an unknown state: the caller abandons the file, it never tries
// the sync again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::os {

// One open file.
//
// Threads: read_at may run on any number of threads at once, also beside one writer.
class File {
 public:
  virtual ~File() = default;

  // Reads exactly `bytes` at `offset`.
  // Errors: kCorrupt when the file ends earlier; kIo.
  virtual Result<std::string> read_at(uint64_t offset, uint64_t bytes) const = 0;
  // As read_at, into memory of the caller.
  virtual Status read_into(uint64_t offset, char* to, uint64_t bytes) const = 0;
  // Writes all bytes at `offset`, growing the file when needed. Not durable before sync().
  // Errors: kFull, kIo; a part may have been written.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // Reserves disk blocks so that later writes below `bytes` cannot fail for lack of space. The file reads as zeros
  // there. Errors: kFull, kIo.
  virtual Status allocate(uint64_t bytes) = 0;
  virtual Status truncate(uint64_t bytes) = 0;
  // Makes written bytes and the file's size durable (fdatasync).
  virtual Status sync() = 0;
  virtual Result<uint64_t> size_bytes() const = 0;
  virtual const std::string& path() const = 0;
};

enum class OpenMode : uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // must not exist
  kReplace,    // made empty, or made
};

struct DirEntry {
  std::string name;  // without its directory
  bool is_dir = false;
  uint64_t bytes = 0;
};

struct DiskSpace {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // for an unprivileged user
};

// Held until destroyed, also by a crash of the process.
class DirLock {
 public:
  virtual ~DirLock() = default;
};

// Threads: all functions on any thread.
class Disk {
 public:
  virtual ~Disk() = default;

  // Errors: kNotFound, kExists, kFull, kIo, kForbidden.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Atomically gives `from` the name `to`, replacing it.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Errors: kNotFound, kIo.
  virtual Status remove(const std::string& path) = 0;
  // Removes an empty directory.
  virtual Status remove_dir(const std::string& path) = 0;
  // Makes the directory and its parents and makes their names durable. No error when it is there.
  virtual Status make_dirs(const std::string& path) = 0;
  // Makes created, renamed and removed names in `path` durable.
  virtual Status sync_dir(const std::string& path) = 0;
  // Entries in no order. Errors: kNotFound, kIo.
  virtual Result<std::vector<DirEntry>> list(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<DiskSpace> space(const std::string& path) = 0;
  // Locks the directory against other processes. Errors: kExists when another process holds it.
  virtual Result<std::unique_ptr<DirLock>> lock_dir(const std::string& path) = 0;
};

// The machine's own disk. The process needs one.
std::unique_ptr<Disk> make_real_disk();

}  // namespace clew::os
