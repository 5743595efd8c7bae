// Continuation: which lines belong to the event of the line before, as those of a stack trace do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace clew::process {

constexpr uint32_t kEventLinesMax = 2000;     // of one event
constexpr size_t kEventBytesMax = 256 << 10;  // the line that reaches this is its last

// How lines are told apart from the events that they go on with.
struct JoinRule {
  enum class How : uint8_t {
    kNone,         // every line is an event
    kTraces,       // indented lines; traces of Java, Python, Go, Node, .NET and Ruby
    kSlowQueries,  // MySQL's slow query log: up to the next head of an entry
    kQuotes,       // CSV: up to the line in which the quotes close
    kBegins,       // what does not match `regex` goes on
    kContinues,    // what matches `regex` goes on
  };
  How how = How::kNone;
  std::shared_ptr<const re2::RE2> regex;

  explicit operator bool() const { return how != How::kNone; }
  friend bool operator==(const JoinRule&, const JoinRule&) = default;
};
// A rule of the user's, kBegins or kContinues.  Errors: kInvalid for a regex that RE2 refuses.
Result<JoinRule> own_join_rule(JoinRule::How how, const std::string& regex);

// Threads: one.
class Continuation {
 public:
  Continuation() = default;
  explicit Continuation(JoinRule rule) : rule_(std::move(rule)) {}

  // Whether `line`, without its newline, goes on with the event of the line given before. Requires: called once for
  // each line in order; the first begins an event.
  bool continues(std::string_view line);
  // The next line begins an event, whatever it is.
  void reset();

 private:
  enum class In : uint8_t { kEvent, kTrace, kPython, kPythonEnd, kGo };
  bool follows(std::string_view line);
  bool decide(std::string_view line);
  bool python(std::string_view line);

  JoinRule rule_{JoinRule::How::kTraces, nullptr};
  bool open_quotes_ = false;
  bool after_time_ = false;  // the line before is `# Time:`
  bool head_ = false;        // no entry of the slow log has begun yet
  In in_ = In::kEvent;
  bool any_ = false;             // a line came
  bool indented_event_ = false;  // the event's first line is indented itself
  bool blank_ = false;           // the line before was
  uint32_t lines_ = 0;
  size_t bytes_ = 0;
};

}  // namespace clew::process
