#include "app/chunker.h"

#include <fmt/format.h>

namespace clew::app {

struct Chunker::State {
  State(By cut_by, Sink chunk_sink, process::JoinRule join)
      : by(cut_by), sink(std::move(chunk_sink)), joins(join), continuation(std::move(join)) {}

  void add_lines(std::string_view bytes) {
    while (!bytes.empty() && status.ok()) {
      size_t newline = bytes.find('\n');
      std::string_view line = bytes.substr(0, newline);
      size_t room = kImportLineBytesMax - std::min(line_bytes, kImportLineBytesMax);
      if (line.size() > room && !cutting) {
        cutting = true;
        ++lines_cut;
      }
      chunk.body.append(line.substr(0, room));
      line_bytes += std::min(line.size(), room);
      if (newline == std::string_view::npos) return;
      end_line();
      bytes.remove_prefix(newline + 1);
    }
  }

  void end_line() {
    if (joins) flush_before_event();
    chunk.body += '\n';
    line_bytes = 0;
    cutting = false;
    ++items;
    if (!joins && chunk.body.size() >= kChunkBytes) flush();
  }

  // Where the body is long enough without the line at its end, and this begins an event.
  void flush_before_event() {
    size_t begin = chunk.body.size() - line_bytes;
    bool goes_on = continuation.continues(std::string_view(chunk.body).substr(begin));
    if (goes_on || begin < kChunkBytes) return;
    std::string line = chunk.body.substr(begin);
    chunk.body.resize(begin);
    flush();
    chunk.body += line;
  }

  void add_whole(std::string_view bytes) {
    if (chunk.body.size() + bytes.size() <= kWholeBytesMax) {
      chunk.body.append(bytes);
      return;
    }
    status = Error(Code::kTooLarge, fmt::format("a file of traces of more than {} MiB: export fewer traces at a time",
                                                kWholeBytesMax >> 20));
  }

  // Newlines are blanks of JSON; one inside a string is an error wherever the object lies.
  void add_piece(process::JsonSplitter::Piece piece, std::string_view text) {
    bool is_text = piece == process::JsonSplitter::Piece::kText;
    if (is_text != chunk.is_text) flush();
    chunk.is_text = is_text;
    size_t at = chunk.body.size();
    chunk.body.append(text);
    for (; at < chunk.body.size(); ++at) {
      if (chunk.body[at] == '\n' || chunk.body[at] == '\r') chunk.body[at] = ' ';
    }
    end_line();
  }

  void flush() {
    if (chunk.body.empty() || !status.ok()) return;
    status = sink(chunk);
    chunk.body.clear();
    chunk.first_item = items + 1;
  }

  const By by;
  Sink sink;
  const bool joins;
  process::Continuation continuation;
  Chunk chunk;
  process::JsonSplitter splitter;
  size_t line_bytes = 0;  // of the unfinished line at the end of chunk.body
  bool cutting = false;
  uint64_t lines_cut = 0;
  uint64_t items = 0;
  Status status;
};

Chunker::Chunker(By by, Sink sink, process::JoinRule join)
    : state_(std::make_unique<State>(by, std::move(sink), by == By::kLine ? std::move(join) : process::JoinRule())) {}
Chunker::~Chunker() = default;

Status Chunker::feed(std::string_view bytes) {
  State& s = *state_;
  if (s.by == By::kLine) {
    s.add_lines(bytes);
  } else if (s.by == By::kWhole) {
    s.add_whole(bytes);
  } else {
    s.splitter.feed(bytes,
                    [&s](process::JsonSplitter::Piece piece, std::string_view text) { s.add_piece(piece, text); });
  }
  return s.status;
}

Status Chunker::finish() {
  State& s = *state_;
  if (s.by == By::kJsonObject) {
    s.splitter.finish([&s](process::JsonSplitter::Piece piece, std::string_view text) { s.add_piece(piece, text); });
  } else if (s.line_bytes > 0) {
    s.end_line();
  }
  s.flush();
  return s.status;
}

uint64_t Chunker::lines_cut() const { return state_->lines_cut; }

}  // namespace clew::app
