// Canonical fields: names that every event answers to, derived from whatever the event has (the table of DESIGN.md
// section 4). Derivation adds, it never renames: the stored fields stay, the canonical one answers when named.
//
// Two users: receivers derive `_time` once per event at ingest; readers derive the rest per column when asked, so that
// aliases cost no bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "model/vector.h"

namespace clew::model {

// How the values of a source field become those of the canonical one.
enum class Derive : uint8_t {
  kCopy,            // as they are
  kLevelText,       // a level word in any spelling; the text stays
  kLevelPython,     // 10 20 30 40 50
  kLevelSyslog,     // 0 to 7
  kLevelOtel,       // 1 to 24
  kLevelBunyan,     // 10 20 30 40 50 60
  kDurationMs,      // a number that is milliseconds already
  kDurationSeconds, // a number of seconds
  kDurationMicros,
  kDurationNanos,
  kJoinLines,       // an array of strings, joined without separator (exception lists of logstash-formatter V0)
};

struct CanonicalStep {
  std::string source;  // the stored field's name, in its own spelling
  Derive how = Derive::kCopy;
};

// True for a name of the table, `@timestamp` included.
bool is_canonical(std::string_view name);

// The stored fields that give the canonical field `name`, first choice first, among `stored` (names of one batch or row
// group). A stored field of exactly that name comes first with kCopy. Matching ignores case and looks below `@fields.`
// and `fields.` too. Empty when nothing gives it. For a name that is not canonical: itself if it is stored.
std::vector<CanonicalStep> canonical_steps(std::string_view name, const std::vector<std::string>& stored);

// The canonical values of a source's values, row by row.
VectorPtr derive(Derive how, const VectorPtr& source);

// Severity of a level in any common spelling or number text, 0 unknown, 1 trace, 2 debug, 3 info, 4 notice, 5 warn,
// 6 error, 7 fatal.
int level_rank(std::string_view level);
// "trace" ... "fatal", "unknown" for 0.
std::string_view level_of_rank(int rank);

}  // namespace clew::model
