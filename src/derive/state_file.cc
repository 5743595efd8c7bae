#include "derive/state_file.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/hash.h"

namespace clew::derive {
namespace {

constexpr int kVersion = 1;
constexpr uint64_t kStateBytesMax = 1ull << 30;

std::string hash_line(std::string_view json) { return fmt::format("{:016x}", base::hash64(json)); }

}  // namespace

Result<std::optional<Json>> StateFile::read() const {
  auto file = disk_.open(path(), os::OpenMode::kRead);
  if (!file.ok() && file.error().code() == Code::kNotFound) return std::optional<Json>();
  if (!file.ok()) return std::move(file).error();
  uint64_t bytes = CLEW_TRY((*file)->size_bytes());
  if (bytes > kStateBytesMax) return Error(Code::kCorrupt, "longer than a state can be").at(path());
  std::string text = CLEW_TRY((*file)->read_at(0, bytes));
  size_t end = text.find('\n');
  bool whole = end != text.npos && text.substr(end + 1) == hash_line(std::string_view(text).substr(0, end)) + "\n";
  if (!whole) return Error(Code::kCorrupt, "the state does not have the hash that it says").at(path());
  Json state = Json::parse(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
  if (!state.is_object() || state.value("version", 0) != kVersion) {
    return Error(Code::kCorrupt, fmt::format("not a state of version {}", kVersion)).at(path());
  }
  return std::optional<Json>(std::move(state));
}

Status StateFile::write(Json state) {
  state["version"] = kVersion;
  std::string text = state.dump(-1, ' ', false, Json::error_handler_t::replace);
  text += "\n" + hash_line(text) + "\n";
  CLEW_TRY(disk_.make_dirs(dir_));
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path() + ".new", os::OpenMode::kReplace));
  CLEW_TRY(file->write_at(0, text));
  CLEW_TRY(file->sync());
  file.reset();
  CLEW_TRY(disk_.rename(path() + ".new", path()));
  return disk_.sync_dir(dir_);
}

Status StateFile::set_aside() {
  CLEW_TRY(disk_.rename(path(), path() + ".damaged"));
  return disk_.sync_dir(dir_);
}

}  // namespace clew::derive
