#include "collect/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

namespace clew::collect {
namespace {

constexpr size_t kReadBytes = 256u << 10;
constexpr int kGzipWindow = 15 + 16;  // zlib's way of saying: a gzip header, the greatest window
constexpr int kZstdWindowLogMax = 27;

Error os_error(const std::string& path) {
  Code code = errno == ENOENT ? Code::kNotFound : errno == EACCES ? Code::kForbidden : Code::kIo;
  return Error(code, path + ": " + std::strerror(errno));
}

// The bytes as they lie there.
class PlainFile final : public InputFile {
 public:
  PlainFile(int fd, std::string path, uint64_t total)
      : fd_(fd), path_(std::move(path)), total_(total), buffer_(kReadBytes, '\0') {}
  ~PlainFile() override {
    if (fd_ != STDIN_FILENO) close(fd_);
  }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  Result<std::string_view> read() override {
    if (!looked_.empty()) {
      given_ = std::move(looked_);
      looked_.clear();
      return std::string_view(given_);
    }
    return read_some();
  }
  // The first bytes, given again by read().
  Result<std::string_view> look(size_t bytes) {
    while (looked_.size() < bytes) {
      std::string_view more = CLEW_TRY(read_some());
      if (more.empty()) break;
      looked_.append(more);
    }
    return std::string_view(looked_);
  }
  uint64_t bytes_read() const override { return read_; }
  uint64_t bytes_total() const override { return total_; }
  const std::string& path() const { return path_; }

 private:
  Result<std::string_view> read_some() {
    while (true) {
      ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_error(path_);
      read_ += static_cast<uint64_t>(got);
      return std::string_view(buffer_.data(), static_cast<size_t>(got));
    }
  }

  const int fd_;
  const std::string path_;
  const uint64_t total_;
  std::string buffer_;
  std::string looked_;
  std::string given_;
  uint64_t read_ = 0;
};

// Any number of gzip members; zeros after the last one are padding.
class GzipFile final : public InputFile {
 public:
  explicit GzipFile(std::unique_ptr<PlainFile> file) : file_(std::move(file)), out_(kReadBytes, '\0') {
    inflateInit2(&stream_, kGzipWindow);
  }
  ~GzipFile() override { inflateEnd(&stream_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  Result<std::string_view> read() override {
    while (!ended_) {
      if (stream_.avail_in == 0) CLEW_TRY(refill());
      if (ended_) break;
      if (between_members_ && !begin_member()) continue;
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return Error(Code::kCorrupt, file_->path() + ": damaged gzip data");
      }
      between_members_ = code == Z_STREAM_END;
      size_t made = out_.size() - stream_.avail_out;
      if (made > 0) return std::string_view(out_.data(), made);
    }
    return std::string_view();
  }
  uint64_t bytes_read() const override { return file_->bytes_read(); }
  uint64_t bytes_total() const override { return file_->bytes_total(); }

 private:
  Status refill() {
    std::string_view in = CLEW_TRY(file_->read());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    if (!in.empty()) return {};
    ended_ = true;
    if (!between_members_) return Error(Code::kCorrupt, file_->path() + ": the gzip data ends early");
    return {};
  }
  bool begin_member() {
    while (stream_.avail_in > 0 && begun_ && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return false;
    if (begun_) inflateReset(&stream_);
    begun_ = true;
    between_members_ = false;
    return true;
  }

  std::unique_ptr<PlainFile> file_;
  std::string out_;
  z_stream stream_{};
  bool begun_ = false;
  bool between_members_ = true;
  bool ended_ = false;
};

// Any number of zstd frames.
class ZstdFile final : public InputFile {
 public:
  explicit ZstdFile(std::unique_ptr<PlainFile> file)
      : file_(std::move(file)), out_(ZSTD_DStreamOutSize(), '\0'), stream_(ZSTD_createDStream()) {
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }
  ~ZstdFile() override { ZSTD_freeDStream(stream_); }
  ZstdFile(const ZstdFile&) = delete;
  ZstdFile& operator=(const ZstdFile&) = delete;

  Result<std::string_view> read() override {
    while (true) {
      bool more_held = filled_;  // the last call filled `out_`, so the decoder may hold more
      if (in_.pos == in_.size && !more_held) {
        std::string_view next = CLEW_TRY(file_->read());
        in_ = {next.data(), next.size(), 0};
        if (next.empty()) break;
      }
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      size_t left = ZSTD_decompressStream(stream_, &out, &in_);
      if (ZSTD_isError(left) != 0) {
        return Error(Code::kCorrupt, file_->path() + ": damaged zstd data: " + ZSTD_getErrorName(left));
      }
      inside_frame_ = left != 0;
      filled_ = out.pos == out.size;
      if (out.pos > 0) return std::string_view(out_.data(), out.pos);
    }
    if (inside_frame_) return Error(Code::kCorrupt, file_->path() + ": the zstd data ends early");
    return std::string_view();
  }
  uint64_t bytes_read() const override { return file_->bytes_read(); }
  uint64_t bytes_total() const override { return file_->bytes_total(); }

 private:
  std::unique_ptr<PlainFile> file_;
  std::string out_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool filled_ = false;
  bool inside_frame_ = false;
};

}  // namespace

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
  int fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return os_error(path);
  struct stat info {};
  bool known = fstat(fd, &info) == 0;
  uint64_t total = known && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
  auto plain = std::make_unique<PlainFile>(fd, path == "-" ? "standard input" : path, total);
  if (known && S_ISDIR(info.st_mode)) {
    return Error(Code::kInvalid, path + " is a directory: name its files, as in " + path + "/*.log");
  }
  std::string_view magic = CLEW_TRY(plain->look(4));
  if (magic.starts_with("\x1f\x8b")) return std::unique_ptr<InputFile>(std::make_unique<GzipFile>(std::move(plain)));
  bool zstd = magic.starts_with("\x28\xb5\x2f\xfd");
  if (zstd) return std::unique_ptr<InputFile>(std::make_unique<ZstdFile>(std::move(plain)));
  return std::unique_ptr<InputFile>(std::move(plain));
}

}  // namespace clew::collect
