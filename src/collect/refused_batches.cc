#include "collect/refused_batches.h"

#include <memory>

namespace clew::collect {

Status RefusedBatches::keep(const std::string& name, std::string_view batch, std::string_view reason) {
  base::MutexLock lock(mutex_);
  CLEW_TRY(disk_.make_dirs(dir_));
  uint64_t kept = CLEW_TRY(bytes_kept());
  if (kept + batch.size() + reason.size() > bytes_max_) {
    return Error(Code::kFull, dir_ + " has " + std::to_string(kept) + " bytes: look at them and remove them");
  }
  CLEW_TRY(write(dir_ + "/" + name + ".part", batch));
  CLEW_TRY(write(dir_ + "/" + name + ".txt", reason));
  return disk_.sync_dir(dir_);
}

Status RefusedBatches::write(const std::string& path, std::string_view bytes) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path, os::OpenMode::kReplace));
  CLEW_TRY(file->write_at(0, bytes));
  return file->sync();
}

Result<uint64_t> RefusedBatches::bytes_kept() {
  uint64_t bytes = 0;
  for (const os::DirEntry& entry : CLEW_TRY(disk_.list(dir_))) bytes += entry.bytes;
  return bytes;
}

}  // namespace clew::collect
