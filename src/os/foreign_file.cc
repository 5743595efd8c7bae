#include "os/foreign_file.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace clew::os {
namespace {

Error errno_error(const std::string& what) {
  int e = errno;
  Code code = Code::kIo;
  if (e == ENOENT || e == ENOTDIR) code = Code::kNotFound;
  if (e == EACCES || e == EPERM) code = Code::kForbidden;
  return Error(code, what + ": " + std::strerror(e));
}

std::vector<std::string> glob_paths(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return paths;
}

int make_event() {
  int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(event >= 0, errno);
  return event;
}

void set_event(int event) {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(event, &one, sizeof(one));
}

bool is_kind(const std::string& path, mode_t kind) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && (s.st_mode & S_IFMT) == kind;
}

}  // namespace

Result<std::unique_ptr<ForeignFile>> ForeignFile::open(const std::string& path) {
  // A FIFO or device must not hold the reader up.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return errno_error("cannot open " + path);
  std::unique_ptr<ForeignFile> file(new ForeignFile(fd));
  struct stat s {};
  if (::fstat(fd, &s) != 0) return errno_error("cannot look at " + path);
  if (!S_ISREG(s.st_mode)) return Error(Code::kInvalid, path + " is no regular file");
  return file;
}

ForeignFile::~ForeignFile() { ::close(fd_); }

Result<FileInfo> ForeignFile::info() const {
  struct stat s {};
  if (::fstat(fd_, &s) != 0) return errno_error("cannot look at an open file");
  FileInfo info;
  info.id = {s.st_dev, s.st_ino};
  info.bytes = static_cast<uint64_t>(s.st_size);
  info.modified_nanos = s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec;
  info.has_name = s.st_nlink > 0;
  return info;
}

Result<size_t> ForeignFile::read_at(uint64_t offset, char* to, size_t bytes) const {
  size_t got = 0;
  while (got < bytes) {
    ssize_t n = ::pread(fd_, to + got, bytes - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("cannot read at " + std::to_string(offset + got));
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  return got;
}

std::vector<std::string> files_matching(const std::string& pattern) {
  std::vector<std::string> files;
  for (std::string& path : glob_paths(pattern)) {
    if (is_kind(path, S_IFREG)) files.push_back(std::move(path));
  }
  return files;
}

std::vector<std::string> directories_matching(const std::string& pattern) {
  size_t slash = pattern.rfind('/');
  if (slash == std::string::npos) return {"."};
  std::vector<std::string> directories;
  for (std::string& path : glob_paths(pattern.substr(0, slash + 1))) {
    if (is_kind(path, S_IFDIR)) directories.push_back(std::move(path));
  }
  return directories;
}

InputStream::InputStream(int fd) : fd_(fd), event_(make_event()) {}
InputStream::~InputStream() { ::close(event_); }

Result<std::optional<size_t>> InputStream::read(char* to, size_t bytes, uint32_t milliseconds) {
  std::array<pollfd, 2> fds = {{{fd_, POLLIN, 0}, {event_, POLLIN, 0}}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(milliseconds)) <= 0) return std::optional<size_t>();
  if (fds[0].revents == 0) return std::optional<size_t>();
  ssize_t n = ::read(fd_, to, bytes);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::optional<size_t>();
  if (n < 0) return errno_error("cannot read the input");
  return std::optional<size_t>(static_cast<size_t>(n));
}

void InputStream::wake() { set_event(event_); }

std::unique_ptr<DirWatcher> DirWatcher::make() {
  return std::unique_ptr<DirWatcher>(new DirWatcher(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), make_event()));
}

DirWatcher::~DirWatcher() {
  if (inotify_ >= 0) ::close(inotify_);
  ::close(event_);
}

Status DirWatcher::watch(const std::string& directory) {
  if (inotify_ < 0) return Error(Code::kUnsupported, "no watcher for directories");
  constexpr uint32_t kEvents =
      IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_ONLYDIR;
  if (::inotify_add_watch(inotify_, directory.c_str(), kEvents) < 0) return errno_error("cannot watch " + directory);
  return {};
}

DirWatcher::Seen DirWatcher::wait(uint32_t milliseconds) {
  std::array<pollfd, 2> fds = {{{inotify_, POLLIN, 0}, {event_, POLLIN, 0}}};  // below 0 is passed over
  ::poll(fds.data(), fds.size(), static_cast<int>(milliseconds));
  uint64_t count = 0;
  [[maybe_unused]] ssize_t woken = ::read(event_, &count, sizeof(count));
  Seen seen = Seen::kNothing;
  alignas(inotify_event) std::array<char, 16 << 10> events;
  while (inotify_ >= 0) {
    ssize_t n = ::read(inotify_, events.data(), events.size());
    if (n <= 0) break;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
      bool writes = (event->mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0;
      if (!writes) seen = Seen::kNames;
      if (writes && seen == Seen::kNothing) seen = Seen::kWrites;
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  return seen;
}

void DirWatcher::wake() { set_event(event_); }

}  // namespace clew::os
