#include "os/copy_file.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace clew::os {
namespace {

constexpr uint64_t kCopyBytes = 1u << 20;

}  // namespace

Status copy_file(Disk& disk, const std::string& from, const std::string& to, uint64_t bytes_max) {
  std::unique_ptr<File> in = CLEW_TRY(disk.open(from, OpenMode::kRead));
  std::unique_ptr<File> out = CLEW_TRY(disk.open(to, OpenMode::kCreate));
  uint64_t file_bytes = CLEW_TRY(in->size_bytes());
  uint64_t bytes = std::min(file_bytes, bytes_max);
  for (uint64_t at = 0; at < bytes; at += kCopyBytes) {
    std::string piece = CLEW_TRY(in->read_at(at, std::min(kCopyBytes, bytes - at)));
    bool zeros = piece.find_first_not_of('\0') == std::string::npos;
    if (!zeros) CLEW_TRY(out->write_at(at, piece));
  }
  CLEW_TRY(out->truncate(bytes));
  return out->sync();
}

Status check_empty(Disk& disk, const std::string& dir) {
  bool there = CLEW_TRY(disk.exists(dir));
  if (!there) return {};
  std::vector<DirEntry> entries = CLEW_TRY(disk.list(dir));
  if (entries.empty()) return {};
  return Error(Code::kExists, dir + " is not empty");
}

}  // namespace clew::os
