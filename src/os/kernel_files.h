// What the kernel tells of itself: the small files of /proc and /sys, and a few answers that are not files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clew::os {

constexpr size_t kKernelFileBytesMax = 1 << 20;

// Threads: one.
class KernelFiles {
 public:
  KernelFiles() = default;
  ~KernelFiles();
  KernelFiles(const KernelFiles&) = delete;
  KernelFiles& operator=(const KernelFiles&) = delete;

  // The whole text, at most kKernelFileBytesMax of it, valid until the next call; nothing where there is no such file
  // or it cannot be read. The file stays open: for those that are read again and again.
  std::optional<std::string_view> read_kept(const std::string& path);
  // The same, and the file is closed again: for those whose device may go.
  std::optional<std::string_view> read(const std::string& path);

 private:
  std::optional<std::string_view> read_all(int fd);

  std::map<std::string, int> kept_;
  std::string buffer_;
};

// Names in a directory, sorted, without "." and ".."; none where there is no such directory.
std::vector<std::string> names_in(const std::string& directory);
// The path without symbolic links; empty where it leads to nothing.
std::string real_path(const std::string& path);

struct FilesystemSpace {
  uint64_t size_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t available_bytes = 0;  // for an unprivileged user
  uint64_t files = 0;
  uint64_t files_free = 0;
};
// Cost: as long as the file system takes to answer; that of a server that is gone may never.
std::optional<FilesystemSpace> filesystem_space(const std::string& mount_point);

struct SystemName {
  std::string system, node, release, version, machine, domain;
};
SystemName system_name();

struct LocalZone {
  std::string name;
  int64_t offset_seconds = 0;  // east of UTC
};
LocalZone local_zone(int64_t unix_seconds);

uint64_t page_bytes();

}  // namespace clew::os
