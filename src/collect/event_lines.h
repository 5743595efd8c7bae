// EventLines: lines as a file has them become events as a program wrote them: decoded, unwrapped, pieces of a line put
// together, and lines that go on with an event joined to it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/wrapped_line.h"
#include "process/continuation.h"
#include "text/encoding.h"

namespace clew::collect {

struct FileEvent {
  std::string_view text;                // lives as long as the call
  std::string_view stream;              // stdout or stderr; empty where nothing wraps the lines
  std::optional<int64_t> unix_nanos{};  // when the program wrote its first line, where the wrapping says so
};
using TakeEvent = std::function<void(const FileEvent& event)>;

struct LineForm {
  text::Encoding encoding = text::Encoding::kUtf8;
  Wrapping wrapping = Wrapping::kNone;
  process::JoinRule join = {};  // which lines go on with the one before and belong to its event
  friend bool operator==(const LineForm&, const LineForm&) = default;
};

// A line that lacks its wrapping is an event as it stands. Pieces and joined lines end where they get too long.
//
// Threads: one.
class EventLines {
 public:
  EventLines(LineForm form, size_t line_bytes_max)
      : form_(std::move(form)), line_bytes_max_(line_bytes_max), continuation_(form_.join) {}

  // A line without its newline, which takes `bytes` bytes of the file.
  void add(std::string_view line, uint64_t bytes, const TakeEvent& take);
  // Gives what might have gone on.
  void end(const TakeEvent& take);
  void clear();
  // Bytes of the file, the last ones that came, whose events were not given yet: a reader begins before them again.
  uint64_t open_bytes() const { return open_bytes_; }

 private:
  struct Event {
    std::string text;
    std::string stream;
    std::optional<int64_t> unix_nanos;
    bool any = false;
  };
  bool is_partial() const { return pieces_[0].any || pieces_[1].any; }
  void add_piece(const WrappedLine& line, uint64_t bytes, const TakeEvent& take);
  void add_line(const WrappedLine& line, bool timed, uint64_t bytes, const TakeEvent& take);
  void give(Event& event, const TakeEvent& take);
  void give_waiting(const TakeEvent& take);

  const LineForm form_;
  const size_t line_bytes_max_;
  std::string decoded_;
  std::string buffer_;
  process::Continuation continuation_;
  Event event_;                 // that may go on
  Event pieces_[2];             // lines of stdout and stderr whose ends have not come
  std::vector<Event> waiting_;  // events that ended while a piece was open
  uint64_t open_bytes_ = 0;
};

}  // namespace clew::collect
