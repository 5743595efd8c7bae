// StreamSource: lines from a pipe, as of `app | clew agent --stdin`. Lines that go on with an event belong to it, as
// those of files do. What was read and is not in the queue when the process is killed is lost: a pipe gives nothing
// twice.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "base/result.h"
#include "collect/batch_maker.h"
#include "collect/event_lines.h"
#include "collect/source.h"
#include "contract/queue.h"
#include "os/clock.h"
#include "os/foreign_file.h"
#include "process/line_parser.h"

namespace clew::collect {

// Threads:  run() has one of its own; stop() on any thread.
// Lifetime: queue, clock and metrics outlive it; the descriptor stays open.
class StreamSource final : public Source {
 public:
  struct Options {
    BatchOptions batch;
    std::optional<process::Format> format;  // none: the first lines say what it is
    process::JoinRule join = {};            // none: the format's own
    size_t line_bytes_max = process::kLineBytesMax;
    uint64_t event_wait_nanos = 500'000'000;  // for further lines of the last event
  };
  StreamSource(Options options, int fd, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);

  const std::string& name() const override { return options_.batch.source; }
  // Reads to the end of the input, or until stop(); all lines are in the queue then.
  // Errors: kIo; what the queue gives when it takes nothing any more.
  Status run() override;
  void stop() override;

 private:
  void begin(std::string_view bytes);
  void take(std::string_view bytes);
  void take_line(std::string_view line);
  void take_event(const FileEvent& event);
  void end_event();
  uint64_t wait_nanos() const;
  void hold(std::string_view bytes);

  const Options options_;
  const os::Clock& clock_;
  os::InputStream input_;
  BatchMaker maker_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<process::LineParser> parser_;
  std::optional<EventLines> lines_;  // made with the parser
  uint64_t batch_ = 0;               // that the parser writes to
  std::string held_;                 // the begin of a line whose end has not come
};

}  // namespace clew::collect
