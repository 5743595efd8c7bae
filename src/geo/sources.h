// The databases that a query may name, and the one that is meant when it names none.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "geo/database.h"
#include "os/disk.h"

namespace clew::geo {

constexpr std::string_view kBundledSource = "country";
constexpr std::string_view kConfiguredSource = "city";  // the file of `geoip.path`
constexpr std::string_view kDefaultSource = "default";  // that file where there is one, else the bundled one

struct SourceFiles {
  std::string bundled;                       // the country database that comes with clew
  std::map<std::string, std::string> named;  // paths by the names that queries use
};

// Threads: any.  Lifetime: `disk` outlives it; a database lives as long as somebody holds it.
class Sources {
 public:
  explicit Sources(os::Disk& disk) : disk_(disk) {}

  // Opens the named files, also those that were open before: they may have been replaced. The bundled one waits for its
  // first use. Errors: those of Database::open; then everything stays as it was.
  Status set(SourceFiles files);

  // Errors: kNotFound with the names that there are; those of Database::open.
  Result<DatabasePtr> find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  Result<DatabasePtr> bundled() const;

  os::Disk& disk_;
  mutable base::Mutex mutex_;
  std::string bundled_path_ CLEW_GUARDED_BY(mutex_);
  mutable DatabasePtr bundled_ CLEW_GUARDED_BY(mutex_);  // null until it is asked for
  std::map<std::string, DatabasePtr, std::less<>> named_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::geo
