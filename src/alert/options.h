// What a configuration says of rules.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace clew::alert {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;  // by name

// What rules know of the server that they run in.
struct Externals {
  NamedTexts labels;
  std::string url;  // of the server, for links; without a slash at its end
  friend bool operator==(const Externals&, const Externals&) = default;
};

// What holds for a group that does not say it itself.
struct GroupDefaults {
  int64_t interval_millis = 60'000;
  int64_t query_offset_millis = 0;
  Externals externals;
  friend bool operator==(const GroupDefaults&, const GroupDefaults&) = default;
};

struct RulesOptions {
  std::vector<std::string> files;  // paths; the last part may have * and ?
  GroupDefaults defaults;
  int64_t outage_millis = 3'600'000;  // alerts that are older than this when a server starts begin anew
  uint32_t threads = 2;               // groups that run side by side
};

}  // namespace clew::alert
