// BatchMaker: lines of one dataset become rows of a batch, and the batch an entry of the queue.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "columnar/part.h"
#include "contract/queue.h"
#include "model/batch.h"
#include "os/clock.h"
#include "process/line_parser.h"
#include "text/time_format.h"

namespace clew::collect {

// What is known of an event besides its line.
struct EventField {
  std::string_view name;
  std::string_view value;
  bool number = false;  // the value is a JSON number
};

struct BatchOptions {
  std::string source = "files";  // its name, in counters
  std::string dataset = "logs";
  text::Zone zone;                                          // of times that do not say theirs
  std::vector<std::pair<std::string, std::string>> fields;  // of every event that has none of that name: host.name
  uint32_t rows_max = 8192;
  size_t bytes_max = 4 << 20;         // of lines
  uint64_t wait_nanos = 100'000'000;  // a batch goes out so long after its first line
  // What becomes of a batch, by dataset: nothing, itself, others that live until the next call. None: itself.
  std::function<std::vector<model::Batch*>(model::Batch&)> process;
  std::function<void(model::Batch&)> clean;  // takes secrets away before anything is kept; none: nothing is
};

// Threads:  one.
// Lifetime: queue and clock outlive it.
class BatchMaker {
 public:
  BatchMaker(BatchOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);

  // Which batch is being made; a parser is attached once to each that it adds to.
  uint64_t number() const { return number_; }
  void attach(process::LineParser& parser);
  // Adds the line as a row with these fields besides those of all, where the line has none of that name; a blank line
  // adds nothing. `unix_nanos`: see LineParser::parse_line.
  void add_line(process::LineParser& parser, std::string_view line, std::span<const EventField> fields = {},
                std::optional<int64_t> unix_nanos = {});

  bool empty() const { return bytes_ == 0; }
  uint32_t rows() const { return batch_.rows(); }
  // Since its first line came; 0 when empty.
  uint64_t age_nanos() const { return bytes_ == 0 ? 0 : clock_.monotonic_ns() - begun_ns_; }
  // Whether the batch is full, or its first line has waited long enough.
  bool due() const;
  // Appends what there is, with the places, and begins the next batch. Waits while the queue is full, until `stop`;
  // then nothing was appended and everything stays as it is: kOverloaded.
  // Errors: also what the queue gives when it takes nothing any more.
  Status flush(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop);

 private:
  Status append(const std::string& encoded, uint32_t rows, const std::map<std::string, std::string>& places,
                const std::atomic<bool>& stop);

  const BatchOptions options_;
  contract::Queue& queue_;
  const os::Clock& clock_;
  model::Batch batch_;
  columnar::BatchEncoder encoder_;
  uint64_t number_ = 1;
  size_t bytes_ = 0;
  std::vector<std::pair<std::string, uint32_t>> encoded_;  // of the batch that is being flushed, with its rows
  uint64_t begun_ns_ = 0;                                  // when the first line came
  base::Counter& lines_read_;
};

}  // namespace clew::collect
