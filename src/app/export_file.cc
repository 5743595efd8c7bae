#include "app/export_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "app/client.h"

namespace clew::app {
namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0;
}

uint64_t size_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

}  // namespace

ExportFile::~ExportFile() {
  if (file_ != nullptr) std::fclose(file_);
}

bool ExportFile::is_complete() const { return exists(name_); }
bool ExportFile::is_interrupted() const { return exists(part()) || exists(resume()); }

Error ExportFile::failed(const std::string& what, const std::string& path) const {
  return Error(Code::kIo, what + " " + path + ": " + std::strerror(errno));
}

Result<ExportState> ExportFile::load() const {
  std::ifstream in(resume(), std::ios::binary);
  if (!in) return Error(Code::kNotFound, "no " + resume());
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  Json json = Json::parse(text, nullptr, false);
  ExportState state{.request = member_at(json, "request"),
                    .cursor = text_at(json, "cursor"),
                    .bytes = number_at(json, "bytes"),
                    .rows = number_at(json, "rows")};
  if (!state.request.is_object() || state.cursor.empty() || state.bytes > size_of(part())) {
    return Error(Code::kCorrupt, resume() + " does not belong to " + part() + ": --force begins anew");
  }
  return state;
}

Status ExportFile::open(uint64_t bytes) {
  if (file_ != nullptr) std::fclose(file_);
  file_ = nullptr;
  int fd = ::open(part().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return failed("cannot write", part());
  if (ftruncate(fd, static_cast<off_t>(bytes)) != 0 || lseek(fd, 0, SEEK_END) < 0) {
    Error error = failed("cannot write", part());
    close(fd);
    return error;
  }
  if (bytes == 0) unlink(resume().c_str());
  file_ = fdopen(fd, "r+b");
  bytes_ = bytes;
  if (file_ == nullptr || std::fseek(file_, 0, SEEK_END) != 0) return failed("cannot write", part());
  return {};
}

void ExportFile::discard() {
  if (file_ != nullptr) std::fclose(file_);
  file_ = nullptr;
  unlink(part().c_str());
  unlink(resume().c_str());
}

Status ExportFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return failed("cannot write", part());
  bytes_ += text.size();
  return {};
}

Status ExportFile::sync() {
  if (std::fflush(file_) != 0 || fdatasync(fileno(file_)) != 0) return failed("cannot write", part());
  return {};
}

Status ExportFile::save(const ExportState& state) {
  CLEW_TRY(sync());
  Json json = {{"request", state.request}, {"cursor", state.cursor}, {"bytes", state.bytes}, {"rows", state.rows}};
  std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const std::string fresh = resume() + ".new";
  int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failed("cannot write", fresh);
  bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fdatasync(fd) == 0;
  close(fd);
  if (!written || rename(fresh.c_str(), resume().c_str()) != 0) return failed("cannot write", resume());
  return {};
}

Status ExportFile::finish() {
  CLEW_TRY(sync());
  bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  if (!closed) return failed("cannot write", part());
  if (rename(part().c_str(), name_.c_str()) != 0) return failed("cannot name", name_);
  unlink(resume().c_str());
  return {};
}

}  // namespace clew::app
