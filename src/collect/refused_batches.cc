#include "collect/refused_batches.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

namespace clew::collect {
namespace {

// A batch is refused again when the agent ended before its acknowledgement: of those that were in flight.
constexpr size_t kCountedNamesMax = 256;

}  // namespace

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

// The file is the number of events, and behind it a line for each name; those of sources begin with a tab: "\tEVENTS
// SOURCE".
void RefusedBatches::load_count() const {
  if (std::exchange(count_loaded_, true)) return;
  auto file = disk_.open(dir_ + ".count", os::OpenMode::kRead);
  if (!file.ok()) return;
  Result<uint64_t> bytes = (*file)->size_bytes();
  Result<std::string> text = bytes.ok() ? (*file)->read_at(0, *bytes) : Result<std::string>(bytes.error());
  if (!text.ok()) return;
  std::string_view rest = *text;
  std::from_chars(rest.data(), rest.data() + rest.size(), events_);
  rest.remove_prefix(std::min(rest.find('\n'), rest.size()));
  while (rest.size() > 1) {
    rest.remove_prefix(1);
    std::string_view name = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(name.size());
    if (name.starts_with('\t')) {
      uint64_t events = 0;
      auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), events);
      if (error == std::errc() && end != name.data() + name.size()) {
        by_source_[std::string(end + 1, name.data() + name.size())] = events;
      }
    } else if (!name.empty()) {
      counted_.emplace_back(name);
    }
  }
}

uint64_t RefusedBatches::events() const {
  base::MutexLock lock(mutex_);
  load_count();
  return events_;
}

std::map<std::string, uint64_t> RefusedBatches::events_by_source() const {
  base::MutexLock lock(mutex_);
  load_count();
  return by_source_;
}

Status RefusedBatches::count(const std::string& name, const std::string& source, uint64_t events) {
  base::MutexLock lock(mutex_);
  load_count();
  if (std::find(counted_.begin(), counted_.end(), name) != counted_.end()) return {};
  events_ += events;
  by_source_[source] += events;
  counted_.push_back(name);
  if (counted_.size() > kCountedNamesMax) counted_.pop_front();
  CLEW_TRY(disk_.make_dirs(dir_));
  std::string text = std::to_string(events_) + "\n";
  for (const auto& [of, refused] : by_source_) text += "\t" + std::to_string(refused) + " " + of + "\n";
  for (const std::string& one : counted_) text += one + "\n";
  CLEW_TRY(write(dir_ + ".count.new", text));
  CLEW_TRY(disk_.rename(dir_ + ".count.new", dir_ + ".count"));
  return disk_.sync_dir(dir_.substr(0, dir_.rfind('/')));
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
