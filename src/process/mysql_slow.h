// One entry of MySQL's slow query log, its lines together.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::process {

// Views into the text.
struct SlowQuery {
  std::string_view time;       // behind `# Time:`, as it stands
  std::string_view timestamp;  // of `SET timestamp=`, seconds
  std::string_view user;
  std::string_view host;
  std::string_view address;
  std::string_view schema;  // of `use`, or `# Schema:`
  std::string_view id;
  std::string_view statement;
  std::vector<std::pair<std::string_view, std::string_view>> values;  // Query_time, Lock_time, Rows_sent ...
};

// Nothing when no line of the text is one of an entry's head.
std::optional<SlowQuery> parse_slow_query(std::string_view text);
// The line begins an entry: `# Time:`, or `# User@Host:` where the line before is no `# Time:`.
bool begins_slow_query(std::string_view line, std::string_view before);

}  // namespace clew::process
