// Trace: one request put together. Steps (spans, goals, tasks of other formats) form a forest; log lines hang under
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/record.h"

namespace clew::trace {

constexpr uint32_t kNone = UINT32_MAX;  // no step, no line, no record

enum class Outcome : uint8_t {
  kUnsaid,  // a span that says nothing of it
  kOk,
  kFailed,
  kOpen,  // begun, no end seen
};
std::string_view outcome_name(Outcome outcome);

// What is odd about a step; shown, never a reason to leave it out.
enum class Problem : uint8_t {
  kMissing = 1 << 0,  // never arrived: children and lines name it
  kNoEnd = 1 << 1,
  kNoStart = 1 << 2,   // only the end arrived
  kOrphan = 1 << 3,    // its parent never arrived
  kCycle = 1 << 4,     // it named a step beneath itself as its parent
  kInferred = 1 << 5,  // made of lines that no id binds together
  kOutlives = 1 << 6,  // ends after its parent
};

struct Step {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;
  std::string_view name;
  std::string_view kind;
  std::string_view service;
  std::string_view host;  // whose clock its times are of
  std::string_view process;
  std::string_view thread;
  std::string_view status;
  std::string_view status_message;

  int64_t start = kNoTime;  // ns, clock differences taken out
  int64_t end = kNoTime;    // never before start; of an open step what is known
  int64_t shift = 0;        // what was added to the times that arrived
  int64_t self = 0;         // ns in which none of its children ran
  int64_t critical = 0;     // ns that it has of the critical path

  bool goal = false;
  Outcome outcome = Outcome::kUnsaid;
  std::string_view reason;  // of a failure: its own, else of what failed beneath it
  bool reason_is_own = false;
  bool cause = false;            // failed, with nothing failed beneath it; or open, in a process that its caller lost
  uint32_t attempt = 0;          // which try it says it is; 0: does not say
  uint32_t tries = 1;            // of the last step of a folded run: how many there were
  uint32_t folded_into = kNone;  // of the others: the last one

  uint8_t problems = 0;     // bits of Problem
  uint32_t copies = 1;      // events that say the same
  uint64_t seq = 0;         // of the first event that told of it
  uint32_t record = kNone;  // in Trace::records, the one with its attributes; goal.end's rather than goal.start's

  uint32_t parent = kNone;
  std::vector<uint32_t> children;  // by start
  std::vector<uint32_t> lines;     // by time

  bool has(Problem p) const { return (problems & static_cast<uint8_t>(p)) != 0; }
  void note(Problem p) { problems = static_cast<uint8_t>(problems | static_cast<uint8_t>(p)); }
  int64_t duration() const { return end - start; }
};

struct Line {
  uint32_t record = kNone;
  uint32_t step = kNone;  // under which it hangs
  int64_t time = 0;       // ns, clock differences taken out
  bool inferred = false;  // nothing but service and time says that it belongs there
};

// How far a host's clock is off from that of the first step's host.
struct ClockShift {
  std::string_view host;
  int64_t shift = 0;   // ns added to its times
  uint32_t pairs = 0;  // calls that say so
};

// A stretch of the critical path.
struct Stretch {
  uint32_t step = kNone;
  int64_t from = 0;
  int64_t to = 0;
};

// Lifetime: its texts point into `records`.
struct Trace {
  std::string id;        // trace id, request id, or what else binds it
  std::string found_by;  // "trace_id", "request_id", "task", "request number", "inferred"
  std::unique_ptr<Records> records;
  std::vector<Step> steps;
  std::vector<Line> lines;             // by time
  std::vector<uint32_t> roots;         // by start
  std::vector<uint32_t> loose_lines;   // under no step
  std::vector<ClockShift> clocks;      // only those that are off
  std::vector<Stretch> critical_path;  // of the main root, by time
  uint32_t main_root = kNone;          // the longest root that arrived, else the longest
  uint32_t spans_received = 0;         // copies counted
  uint32_t requests_alike = 0;         // that what was looked for leads to, this one with them; 0: it is an id
  int64_t start = kNoTime;
  int64_t end = kNoTime;

  const Record& record_of(const Step& step) const { return records->rows[step.record]; }
  int64_t duration() const { return start == kNoTime ? 0 : end - start; }
};

}  // namespace clew::trace
