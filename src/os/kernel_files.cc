#include "os/kernel_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <ctime>

namespace clew::os {
namespace {

constexpr size_t kFirstReadBytes = 16 << 10;

int open_file(const std::string& path) { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }

}  // namespace

KernelFiles::~KernelFiles() {
  for (const auto& [path, fd] : kept_) ::close(fd);
}

std::optional<std::string_view> KernelFiles::read_kept(const std::string& path) {
  auto known = kept_.find(path);
  if (known != kept_.end()) return read_all(known->second);
  int fd = open_file(path);
  if (fd < 0) return std::nullopt;
  kept_.emplace(path, fd);
  return read_all(fd);
}

std::optional<std::string_view> KernelFiles::read(const std::string& path) {
  int fd = open_file(path);
  if (fd < 0) return std::nullopt;
  std::optional<std::string_view> text = read_all(fd);
  ::close(fd);
  return text;
}

std::optional<std::string_view> KernelFiles::read_all(int fd) {
  size_t bytes = 0;
  if (buffer_.empty()) buffer_.resize(kFirstReadBytes);
  while (bytes < kKernelFileBytesMax) {
    if (bytes == buffer_.size()) buffer_.resize(std::min(2 * buffer_.size(), kKernelFileBytesMax));
    ssize_t got = ::pread(fd, buffer_.data() + bytes, buffer_.size() - bytes, static_cast<off_t>(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    bytes += static_cast<size_t>(got);
  }
  return std::string_view(buffer_.data(), bytes);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

std::string real_path(const std::string& path) {
  std::array<char, PATH_MAX> resolved{};
  return ::realpath(path.c_str(), resolved.data()) == nullptr ? std::string() : std::string(resolved.data());
}

std::optional<FilesystemSpace> filesystem_space(const std::string& mount_point) {
  struct statfs got {};
  if (::statfs(mount_point.c_str(), &got) != 0) return std::nullopt;
  auto block = static_cast<uint64_t>(got.f_bsize);
  return FilesystemSpace{got.f_blocks * block, got.f_bfree * block, got.f_bavail * block, got.f_files, got.f_ffree};
}

SystemName system_name() {
  utsname got{};
  if (::uname(&got) != 0) return {};
  return {got.sysname, got.nodename, got.release, got.version, got.machine, got.domainname};
}

LocalZone local_zone(int64_t unix_seconds) {
  time_t now = unix_seconds;
  tm local{};
  if (::localtime_r(&now, &local) == nullptr) return {"UTC", 0};
  return {local.tm_zone, local.tm_gmtoff};
}

uint64_t page_bytes() { return static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace clew::os
