#include "collect/event_lines.h"

#include <algorithm>

namespace clew::collect {
namespace {

constexpr uint64_t kOpenBytesMax = 4 << 20;  // of the file and two lines, before what is open is given as it is

}  // namespace

void EventLines::add(std::string_view line, uint64_t bytes, const TakeEvent& take) {
  if (form_.encoding != text::Encoding::kUtf8) {
    decoded_.clear();
    text::append_as_utf8(form_.encoding, line, decoded_);
    line = decoded_;
  }
  std::optional<WrappedLine> wrapped = unwrap_line(form_.wrapping, line, buffer_);
  if (!wrapped) {
    add_line({.text = line, .stream = {}}, false, bytes, take);
  } else if (wrapped->partial || pieces_[wrapped->stream == "stderr" ? 1 : 0].any) {
    add_piece(*wrapped, bytes, take);
  } else {
    add_line(*wrapped, true, bytes, take);
  }
  if (open_bytes_ > kOpenBytesMax + 2 * line_bytes_max_) end(take);
}

void EventLines::add_piece(const WrappedLine& line, uint64_t bytes, const TakeEvent& take) {
  open_bytes_ += bytes;
  Event& piece = pieces_[line.stream == "stderr" ? 1 : 0];
  if (!piece.any) {
    piece.stream = line.stream;
    piece.unix_nanos = line.unix_nanos;
    piece.any = true;
  }
  // Of a line over the limit one byte more than the limit is kept: its reader then sees that it was cut.
  piece.text.append(line.text.substr(0, line_bytes_max_ + 1 - std::min(piece.text.size(), line_bytes_max_ + 1)));
  if (line.partial) return;
  // Other lines stand between its pieces, so that all of them are given before a reader may begin behind them.
  Event whole = std::move(piece);
  piece = {};
  give_waiting(take);
  give(event_, take);
  give(whole, take);
  continuation_.reset();
  if (!is_partial()) open_bytes_ = 0;
}

void EventLines::add_line(const WrappedLine& line, bool timed, uint64_t bytes, const TakeEvent& take) {
  bool goes_on = form_.join && continuation_.continues(line.text) && event_.any && event_.stream == line.stream;
  if (goes_on) {
    event_.text += '\n';
    event_.text += line.text;
    open_bytes_ += bytes;
    return;
  }
  give(event_, take);
  open_bytes_ = is_partial() ? open_bytes_ + bytes : bytes;
  event_.text = line.text;
  event_.stream = line.stream;
  event_.unix_nanos = timed ? std::optional(line.unix_nanos) : std::nullopt;
  event_.any = true;
  if (form_.join) return;
  give(event_, take);
  if (!is_partial()) open_bytes_ = 0;
}

void EventLines::give(Event& event, const TakeEvent& take) {
  if (!event.any) return;
  if (is_partial()) {
    waiting_.push_back(std::move(event));
  } else {
    take({.text = event.text, .stream = event.stream, .unix_nanos = event.unix_nanos});
  }
  event.any = false;
  event.text.clear();
}

void EventLines::give_waiting(const TakeEvent& take) {
  if (is_partial()) return;
  for (const Event& event : waiting_) {
    take({.text = event.text, .stream = event.stream, .unix_nanos = event.unix_nanos});
  }
  waiting_.clear();
}

void EventLines::end(const TakeEvent& take) {
  Event pieces[] = {std::move(pieces_[0]), std::move(pieces_[1])};
  pieces_[0] = pieces_[1] = {};
  give_waiting(take);
  give(event_, take);
  for (Event& piece : pieces) give(piece, take);
  continuation_.reset();
  open_bytes_ = 0;
}

void EventLines::clear() {
  event_ = {};
  pieces_[0] = pieces_[1] = {};
  waiting_.clear();
  continuation_.reset();
  open_bytes_ = 0;
}

}  // namespace clew::collect
