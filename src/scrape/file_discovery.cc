#include "scrape/file_discovery.h"

#include <set>

#include "os/foreign_file.h"
#include "scrape/group_file.h"

namespace clew::scrape {
namespace {

constexpr uint64_t kFileBytesMax = 64u << 20;
constexpr int64_t kLookMillis = 1'000;  // a look costs a stat; nobody waits for refresh_interval

}  // namespace

int64_t FileDiscovery::period_millis() const { return kLookMillis; }

Result<bool> FileDiscovery::look(const std::string& path) {
  std::unique_ptr<os::ForeignFile> file = CLEW_TRY(os::ForeignFile::open(path));
  os::FileInfo info = CLEW_TRY(file->info());
  File now{.modified_nanos = info.modified_nanos, .bytes = info.bytes, .inode = info.id.inode, .groups = {}};
  File& known = files_[path];
  if (same_state(known, now)) return false;
  known.modified_nanos = now.modified_nanos;  // what cannot be read is not read again until it changes
  known.bytes = now.bytes;
  known.inode = now.inode;
  if (info.bytes > kFileBytesMax) return Error(Code::kTooLarge, path + " is no list of targets: over 64 MiB");
  std::string text(info.bytes, '\0');
  size_t bytes = CLEW_TRY(file->read_at(0, text.data(), text.size()));
  text.resize(bytes);
  std::vector<TargetGroup> groups = CLEW_TRY(parse_groups(text, path));
  for (TargetGroup& group : groups) group.labels.emplace_back("__meta_filepath", path);
  known.groups = std::move(groups);
  return true;
}

void FileDiscovery::poll() {
  bool changed = !told_;
  std::set<std::string> here;
  Status failed;
  for (const std::string& pattern : patterns_) {
    for (const std::string& path : os::files_matching(pattern)) {
      here.insert(path);
      Result<bool> looked = look(path);
      if (!looked.ok()) failed = looked.error();
      changed = changed || (looked.ok() && *looked);
    }
  }
  changed = std::erase_if(files_, [&](const auto& file) { return !here.contains(file.first); }) > 0 || changed;
  if (!failed.ok()) found_(failed.error());
  if (!changed) return;
  told_ = true;
  std::vector<TargetGroup> all;
  for (const auto& [path, file] : files_) all.insert(all.end(), file.groups.begin(), file.groups.end());
  found_(std::move(all));
}

}  // namespace clew::scrape
