// logfmt: key=value pairs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clew::process {

struct LogfmtPair {
  std::string_view key;
  std::string_view value;
  bool quoted = false;   // the value stood in quotes: a text, whatever it looks like
  bool escaped = false;  // and holds backslashes
  bool bare = false;     // a key without `=`: true
};

// False when the line is not logfmt: nothing but pairs, at least `pairs_min` of them with a value.
// `pairs` is cleared first.
bool parse_logfmt(std::string_view line, size_t pairs_min, std::vector<LogfmtPair>& pairs);

// The text of an escaped value.
void append_logfmt_unescaped(std::string_view value, std::string& out);

}  // namespace clew::process
