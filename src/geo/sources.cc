#include "geo/sources.h"

#include <fmt/format.h>

namespace clew::geo {

Status Sources::set(SourceFiles files) {
  std::map<std::string, DatabasePtr, std::less<>> opened;
  for (const auto& [name, path] : files.named) {
    opened[name] = CLEW_TRY(Database::open(disk_, path, Addresses::kAll));
  }
  base::MutexLock lock(mutex_);
  named_.swap(opened);
  if (bundled_path_ != files.bundled) bundled_ = nullptr;
  bundled_path_ = std::move(files.bundled);
  return {};
}

Result<DatabasePtr> Sources::find(std::string_view name) const {
  {
    base::MutexLock lock(mutex_);
    auto found = named_.find(name);
    if (found == named_.end() && name == kDefaultSource) found = named_.find(kConfiguredSource);
    if (found != named_.end()) return found->second;
  }
  if (name == kBundledSource || name == kDefaultSource) return bundled();
  std::string known;
  for (const std::string& each : names()) known += (known.empty() ? "" : ", ") + each;
  return Error(Code::kNotFound, fmt::format("no data source {}; there are {}", quoted(name), known));
}

Result<DatabasePtr> Sources::bundled() const {
  std::string path;
  {
    base::MutexLock lock(mutex_);
    if (bundled_ != nullptr) return bundled_;
    path = bundled_path_;
  }
  DatabasePtr opened = CLEW_TRY(Database::open(disk_, path, Addresses::kGlobal));
  base::MutexLock lock(mutex_);
  if (bundled_ == nullptr && path == bundled_path_) bundled_ = opened;
  return opened;
}

std::vector<std::string> Sources::names() const {
  base::MutexLock lock(mutex_);
  std::vector<std::string> out{std::string(kDefaultSource)};
  if (!named_.contains(kBundledSource)) out.emplace_back(kBundledSource);
  for (const auto& [name, database] : named_) out.push_back(name);
  return out;
}

}  // namespace clew::geo
