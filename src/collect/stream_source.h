// StreamSource: lines from a pipe, as of `app | clew agent --stdin`. What was read and is not in the queue when the
// process is killed is lost: a pipe gives nothing twice.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "base/result.h"
#include "collect/batch_maker.h"
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
  // Without a format the first lines say what it is.
  StreamSource(BatchOptions batch, std::optional<process::Format> format, size_t line_bytes_max, int fd,
               contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);

  const std::string& name() const override { return options_.source; }
  // Reads to the end of the input, or until stop(); all lines are in the queue then.
  // Errors: kIo; what the queue gives when it takes nothing any more.
  Status run() override;
  void stop() override;

 private:
  void take(std::string_view bytes);
  void take_line(std::string_view line);
  void hold(std::string_view bytes);

  const BatchOptions options_;
  const std::optional<process::Format> format_;
  const size_t line_bytes_max_;
  os::InputStream input_;
  BatchMaker maker_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<process::LineParser> parser_;
  uint64_t batch_ = 0;  // that the parser writes to
  std::string held_;    // the begin of a line whose end has not come
};

}  // namespace clew::collect
