// Importer turns the bytes of a file, fed piece by piece, into batches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/batch.h"
#include "process/line_parser.h"

namespace clew::process {

struct ImportOptions {
  std::string dataset = "logs";
  std::optional<Format> format;           // none: detected from the first kSampleBytes
  Expect expect = Expect::kOnly;          // of a named format; kMostly where the name itself was detected
  text::Zone zone;                        // of times that do not say theirs
  bool join_traces = false;               // lines that go on with an event of plain lines belong to it (continuation.h)
  size_t line_bytes_max = kLineBytesMax;  // at most kLineBytesMost
  uint32_t batch_rows_max = 8192;
  size_t batch_bytes_max = 4 << 20;  // of text fed; a batch ends after the line that reaches it
};
constexpr size_t kSampleBytes = 64 << 10;

// Threads: one.
class Importer {
 public:
  // Takes a full batch; its error ends the import and is given to the caller of feed() or finish().
  using Sink = std::function<Status(model::Batch batch)>;

  // `arrival` stands for the time of events before any that has one.
  Importer(ImportOptions options, UnixNanos arrival, Sink sink);
  ~Importer();

  Status feed(std::string_view bytes);
  // The end of the file: the last line needs no newline. Nothing may be fed afterwards.
  Status finish();

  // Known after the first kSampleBytes or finish().
  std::optional<Format> format() const;
  uint64_t events() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::process
