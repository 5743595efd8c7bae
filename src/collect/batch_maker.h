// BatchMaker: lines of one dataset become rows of a batch, and the batch an entry of the queue.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "collect/queue_entry.h"
#include "collect/source_counts.h"
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
  std::string zone_name;                                    // the same as text; empty: UTC
  bool sends_lines = false;  // lines of prose go out as they are, for the server to read (process/sent_lines.h)
  Compression compression = Compression::kLz4;  // in the queue and on the way
  uint32_t rows_max = 65'536;
  size_t bytes_max = 2 << 20;         // of lines
  uint64_t wait_nanos = 100'000'000;  // a batch goes out so long after its first line
  // What becomes of a batch, by dataset: nothing, itself, others that live until the next call. None: itself.
  std::function<std::vector<model::Batch*>(model::Batch&)> process;
  // Where `process` adds what it drops, by rule; on the thread that calls it. None: it drops nothing.
  std::shared_ptr<std::map<std::string, uint64_t>> dropped;
  std::function<void(const std::atomic<bool>& stop)> pace;  // called after each batch; may wait, not longer than `stop`
  std::function<void(model::Batch&)> clean;  // takes secrets away before anything is kept; none: nothing is
};

// Counts what it reads (source_counts.h), on from what the queue has of its source. Appends to the queue on a thread of
// its own, so that reading goes on while the disk syncs; one batch at a time.
//
// Threads:  one; and its own, named clew-append.
// Lifetime: queue and clock outlive it, and `stop` of a flush the batch maker.
class BatchMaker {
 public:
  BatchMaker(BatchOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics);
  ~BatchMaker();

  // Which batch is being made; a parser is attached once to each that it adds to.
  uint64_t number() const { return number_; }
  void attach(process::LineParser& parser);
  // Adds the line as a row with these fields besides those of all, where the line has none of that name; a blank line
  // adds nothing. `unix_nanos`: see LineParser::parse_line.
  void add_line(process::LineParser& parser, std::string_view line, std::span<const EventField> fields = {},
                std::optional<int64_t> unix_nanos = {});

  // Lines that are added as they are, with a note for who reads them: BatchOptions::sends_lines. What they have in
  // common is told once: `unix_nanos` and `note` as in process/sent_lines.h, and `fields`. They go on until
  // end_sent_lines(), a line of another kind, or the end of the batch.
  void begin_sent_lines(std::string_view note, int64_t unix_nanos, std::span<const EventField> fields);
  // Requires: sends_lines(); a blank line adds nothing.
  void add_sent_line(std::string_view line);
  bool sends_lines() const { return sent_raw_ != nullptr; }
  void end_sent_lines();

  bool empty() const { return bytes_ == 0; }
  uint32_t rows() const { return batch_.rows(); }
  // Since its first line came; 0 when empty.
  uint64_t age_nanos() const { return bytes_ == 0 ? 0 : clock_.monotonic_ns() - begun_ns_; }
  // Whether the batch is full, or its first line has waited long enough.
  bool due() const;
  // Appends what there is, with the places, and begins the next batch. Waits while the queue is full, until `stop`;
  // then nothing was appended, and the next flush begins with it: kOverloaded.
  // Errors: also what the queue gives when it takes nothing any more.
  Status flush(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop);
  // The same, but returns as soon as the batch is on its way: what becomes of it the next flush says, and status().
  Status flush_soon(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop);
  // What has failed so far. Does not wait.
  Status status() const;

 private:
  struct Job {
    std::string entry;  // the encoded batches; empty when there are none
    uint32_t rows = 0;  // of them together
    std::vector<contract::QueuePlace> places;
    const std::atomic<bool>* stop = nullptr;
  };
  model::Column* column(std::string_view name);
  void add_fields(uint32_t row, std::span<const EventField> fields);
  void fill_sent(const EventField& field);
  void note_line(size_t bytes);
  void append_jobs(const std::stop_token& stop);
  Status append(const Job& job);
  void make_batches();
  Status wait_appended(const std::atomic<bool>* stop);

  const BatchOptions options_;
  contract::Queue& queue_;
  const os::Clock& clock_;
  model::Batch batch_;
  columnar::BatchEncoder encoder_;
  uint64_t number_ = 1;
  size_t bytes_ = 0;
  bool made_ = false;          // encoded_ is of this batch, and counts_ have it
  SourceCounts counts_;        // with the batches that are on their way
  std::string encoded_;        // the entry of the batch that is being flushed
  uint32_t encoded_rows_ = 0;  // in it
  uint64_t begun_ns_ = 0;      // when the first line came
  base::Counter& lines_read_;
  std::vector<model::Column*> columns_;  // of batch_, in the order of their first use: few, and every line uses them so
  size_t next_column_ = 0;               // the one that is probably asked for next
  // Of the lines that are being sent as they are; the columns of what they have in common are filled at their end.
  struct Sent {
    uint32_t first_row = 0;
    int64_t unix_nanos = 0;
    std::string note;
    std::vector<std::pair<std::string, std::string>> strings;
    std::vector<std::pair<std::string, std::string>> numbers;
  };
  Sent sent_;
  model::Column* sent_raw_ = nullptr;  // while there are such

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::optional<Job> job_ CLEW_GUARDED_BY(mutex_);   // handed over and not appended yet
  std::optional<Job> held_ CLEW_GUARDED_BY(mutex_);  // what a full queue had not taken when `stop` came
  Status appended_ CLEW_GUARDED_BY(mutex_);          // the first error
  std::jthread appender_;                            // made with the first batch
};

}  // namespace clew::collect
