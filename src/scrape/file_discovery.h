// Targets out of files, read again as soon as they change.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scrape/discovery.h"

namespace clew::scrape {

class FileDiscovery final : public Discovery {
 public:
  FileDiscovery(const DiscoveryConfig& config, Found found) : patterns_(config.files), found_(std::move(found)) {}

  // Looks whether a file is new, other or gone; reads those.
  void poll() override;
  int64_t period_millis() const override;

 private:
  struct File {
    int64_t modified_nanos = 0;
    uint64_t bytes = 0;
    uint64_t inode = 0;
    std::vector<TargetGroup> groups;  // the last that could be read
    friend bool same_state(const File& a, const File& b) {
      return a.modified_nanos == b.modified_nanos && a.bytes == b.bytes && a.inode == b.inode;
    }
  };
  // True when it has changed.
  Result<bool> look(const std::string& path);

  const std::vector<std::string> patterns_;
  const Found found_;
  std::map<std::string, File> files_;
  bool told_ = false;
};

}  // namespace clew::scrape
