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
  kCopy,             // as they are
  kLevelText,        // a level word in any spelling; the text stays
  kLevelPython,      // 10 20 30 40 50
  kLevelSyslog,      // 0 to 7
  kLevelOtel,        // 1 to 24
  kLevelBunyan,      // 10 20 30 40 50 60
  kDurationMs,       // a number that is milliseconds already
  kDurationSeconds,  // a number of seconds
  kDurationMicros,
  kDurationNanos,
  kJoinLines,         // an array of strings, joined without separator (exception lists of logstash-formatter V0)
  kDurationText,      // a text with units ("1.5s", "1m30s", "15 ms"); a bare number says nothing
  kTraceparentTrace,  // the trace id of a W3C traceparent
  kTraceparentSpan,   // the span id of a W3C traceparent
  kB3Trace,           // the trace id of a single B3 header
  kB3Span,
  kB3Parent,
  kExceptionType,  // the type that a stack trace or "Type: message" line names
  kExceptionMessage,
  kText,  // strings only: numbers, arrays and booleans do not count
};

struct CanonicalStep {
  std::string source;  // the stored field's name, in its own spelling
  Derive how = Derive::kCopy;
};

// True for a name of the table, `@timestamp` included.
bool is_canonical(std::string_view name);

// The stored fields that give the canonical field `name`, first choice first, among `stored` (names of one batch or row
// group). A stored field of exactly that name comes first with kCopy; only a `levelname` goes before a `level`, whose
// number would not say whose it is. `@timestamp` is `_time`. The first step whose value is not null answers, row by
// row. Matching ignores case and looks below `@fields.` and `fields.` too. Empty when nothing gives it. For a name that
// is not canonical: itself if it is stored. Cost: a scan over `stored`; callers keep the answer per row group.
std::vector<CanonicalStep> canonical_steps(std::string_view name, const std::vector<std::string>& stored);

// The canonical values of a source's values, row by row; null where the value says nothing.
VectorPtr derive(Derive how, const VectorPtr& source);

// Which field of an event says when it happened: lower goes first. Matching as in canonical_steps.
enum class TimeRole : uint8_t {
  kAtTimestamp,  // @timestamp
  kTimestamp,    // timestamp
  kTime,         // time
  kTs,           // ts
  kT,            // t
  kDate,         // date
  kAsctime,      // asctime; `msecs` gives it its milliseconds
  kCreated,      // created, seconds since the epoch; also refines the others
  kUnixNano,     // timeUnixNano
  kStart,        // start, of a span without any of the others
  kMsecs,        // only beside asctime
  kNone,
};
TimeRole time_role(std::string_view name);

// Severity of a level in any common spelling or number text, 0 unknown, 1 trace, 2 debug, 3 info, 4 notice, 5 warn,
// 6 error, 7 fatal. A number alone is syslog's up to 7, tens are bunyan's and pino's, hundreds are monolog's.
int level_rank(std::string_view level);
// "trace" ... "fatal", "unknown" for 0.
std::string_view level_of_rank(int rank);

}  // namespace clew::model
