// What derived metrics keep across restarts: counts and the place in the feed that they belong to, in one file that is
// replaced as a whole. A line of JSON, and a line with its hash (docs/operate/metrics-from-events.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/disk.h"

namespace clew::derive {

using Json = nlohmann::json;

// Threads: one at a time.  Lifetime: the disk outlives it.
// Crash:   after write() the state survives power loss; before, the one before it does.
class StateFile {
 public:
  StateFile(os::Disk& disk, std::string dir) : disk_(disk), dir_(std::move(dir)) {}

  // Nothing where there is none yet. Errors: kCorrupt for one that is damaged, or of another version; kIo.
  Result<std::optional<Json>> read() const;
  // Errors: kIo, kFull.
  Status write(Json state);
  // Sets a file that cannot be read aside, as .damaged. Errors: kIo.
  Status set_aside();

 private:
  std::string path() const { return dir_ + "/state.json"; }

  os::Disk& disk_;
  const std::string dir_;
};

}  // namespace clew::derive
