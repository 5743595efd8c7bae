#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "os/disk.h"

namespace clew::os {
namespace {

Error errno_error(const std::string& path, const char* doing) {
  int e = errno;
  Code code = Code::kIo;
  if (e == ENOENT || e == ENOTDIR) code = Code::kNotFound;
  if (e == EEXIST) code = Code::kExists;
  if (e == ENOSPC || e == EDQUOT) code = Code::kFull;
  if (e == EACCES || e == EPERM || e == EROFS) code = Code::kForbidden;
  return Error(code, std::string("cannot ") + doing + " " + path + ": " + std::strerror(e));
}

class RealFile final : public File {
 public:
  RealFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~RealFile() override { ::close(fd_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  Result<std::string> read_at(uint64_t offset, uint64_t bytes) const override {
    std::string out(bytes, '\0');
    CLEW_TRY(read_into(offset, out.data(), bytes));
    return out;
  }

  Status read_into(uint64_t offset, char* to, uint64_t bytes) const override {
    while (bytes > 0) {
      ssize_t n = ::pread(fd_, to, bytes, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(path_, "read");
      if (n == 0) return Error(Code::kCorrupt, path_ + " ends before offset " + std::to_string(offset + bytes));
      to += n;
      offset += static_cast<uint64_t>(n);
      bytes -= static_cast<uint64_t>(n);
    }
    return {};
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(path_, "write");
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Status allocate(uint64_t bytes) override {
    int e = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
    if (e != 0) {
      errno = e;
      return errno_error(path_, "reserve space for");
    }
    return {};
  }

  Status truncate(uint64_t bytes) override {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return errno_error(path_, "truncate");
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_) != 0) return errno_error(path_, "sync");
    return {};
  }

  Result<uint64_t> size_bytes() const override {
    struct stat st {};
    if (::fstat(fd_, &st) != 0) return errno_error(path_, "stat");
    return static_cast<uint64_t>(st.st_size);
  }

  const std::string& path() const override { return path_; }

 private:
  int fd_;
  std::string path_;
};

class RealDirLock final : public DirLock {
 public:
  explicit RealDirLock(int fd) : fd_(fd) {}
  ~RealDirLock() override { ::close(fd_); }
  RealDirLock(const RealDirLock&) = delete;
  RealDirLock& operator=(const RealDirLock&) = delete;

 private:
  int fd_;
};

std::string parent_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class RealDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | (mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::kCreate) flags |= O_CREAT | O_EXCL;
    if (mode == OpenMode::kReplace) flags |= O_CREAT | O_TRUNC;
    int fd = ::open(path.c_str(), flags, 0640);
    if (fd < 0) return errno_error(path, "open");
    return std::unique_ptr<File>(std::make_unique<RealFile>(fd, path));
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno_error(from, "rename");
    return {};
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return errno_error(path, "remove");
    return {};
  }

  Status remove_dir(const std::string& path) override {
    if (::rmdir(path.c_str()) != 0) return errno_error(path, "remove");
    return {};
  }

  Status make_dirs(const std::string& path) override {
    if (::mkdir(path.c_str(), 0750) == 0) return sync_dir(parent_of(path));
    if (errno == EEXIST) {
      struct stat st {};
      if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
      errno = EEXIST;
      return errno_error(path, "make directory");
    }
    if (errno != ENOENT || parent_of(path) == path) return errno_error(path, "make directory");
    CLEW_TRY(make_dirs(parent_of(path)));
    if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return errno_error(path, "make directory");
    return sync_dir(parent_of(path));
  }

  Status sync_dir(const std::string& path) override {
    int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno_error(path, "open");
    int failed = ::fsync(fd);
    Error error = errno_error(path, "sync");
    ::close(fd);
    if (failed != 0) return error;
    return {};
  }

  Result<std::vector<DirEntry>> list(const std::string& path) override {
    DIR* dir = ::opendir(path.c_str());
    if (dir == nullptr) return errno_error(path, "list");
    std::vector<DirEntry> entries;
    while (dirent* e = ::readdir(dir)) {
      std::string name = e->d_name;
      if (name == "." || name == "..") continue;
      struct stat st {};
      if (::stat((path + "/" + name).c_str(), &st) != 0) continue;  // removed meanwhile
      entries.push_back({std::move(name), S_ISDIR(st.st_mode), static_cast<uint64_t>(st.st_size)});
    }
    ::closedir(dir);
    return entries;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat st {};
    if (::stat(path.c_str(), &st) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return errno_error(path, "stat");
  }

  Result<DiskSpace> space(const std::string& path) override {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0) return errno_error(path, "ask the free space of");
    return DiskSpace{static_cast<uint64_t>(st.f_blocks) * st.f_frsize,
                     static_cast<uint64_t>(st.f_bavail) * st.f_frsize};
  }

  Result<std::unique_ptr<DirLock>> lock_dir(const std::string& path) override {
    std::string file = path + "/LOCK";
    int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return errno_error(file, "open");
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      return Error(Code::kExists, path + " is in use by another process");
    }
    return std::unique_ptr<DirLock>(std::make_unique<RealDirLock>(fd));
  }
};

}  // namespace

std::unique_ptr<Disk> make_real_disk() { return std::make_unique<RealDisk>(); }

}  // namespace clew::os
