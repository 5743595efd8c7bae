// Continuation: which lines belong to the event of the line before, as those of a stack trace do.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::process {

constexpr uint32_t kEventLinesMax = 2000;     // of one event
constexpr size_t kEventBytesMax = 256 << 10;  // the line that reaches this is its last

// Knows indented lines, and traces of Java, Python, Go, Node, .NET and Ruby.
//
// Threads: one.
class Continuation {
 public:
  // Whether `line`, without its newline, goes on with the event of the line given before. Requires: called once for
  // each line in order; the first begins an event.
  bool continues(std::string_view line);
  // The next line begins an event, whatever it is.
  void reset();

 private:
  enum class In : uint8_t { kEvent, kTrace, kPython, kPythonEnd, kGo };
  bool decide(std::string_view line);
  bool python(std::string_view line);

  In in_ = In::kEvent;
  bool any_ = false;             // a line came
  bool indented_event_ = false;  // the event's first line is indented itself
  bool blank_ = false;           // the line before was
  uint32_t lines_ = 0;
  size_t bytes_ = 0;
};

}  // namespace clew::process
