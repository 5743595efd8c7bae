// Cuts a stream of bytes into bodies of whole lines, or of whole JSON objects, to be sent one by one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "process/json_splitter.h"
#include "process/line_parser.h"

namespace clew::app {

constexpr size_t kChunkBytes = 1u << 20;           // a body is sent when it reaches this
constexpr size_t kImportLineBytesMax = 16u << 20;  // of one line; the rest of a longer one is left out
constexpr size_t kWholeBytesMax = 64u << 20;       // of a file that is sent in one body

struct Chunk {
  std::string body;
  bool is_text = false;     // between JSON objects: plain lines
  uint64_t first_item = 1;  // number of its first line, or object, in the stream
};

// Threads: one.
class Chunker {
 public:
  enum class By : uint8_t { kLine, kJsonObject, kWhole };
  using Sink = std::function<Status(const Chunk&)>;

  // By kJsonObject every object becomes one line, so that a broken one spoils no other. By kLine a body ends before a
  // line that by `join` begins an event, so that no event lies in two.
  Chunker(By by, Sink sink, process::JoinRule join = {});
  ~Chunker();

  // Errors: what the sink gives; it ends the chunker. By kWhole also kTooLarge.
  Status feed(std::string_view bytes);
  // The last line needs no newline.
  Status finish();

  uint64_t lines_cut() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::app
