// JournalSource: systemd's journal as events, each entry once: the cursor is kept with the batch it belongs to.
//
// What a service writes to its output arrives line by line: lines that go on with the one before (stack traces) become
// one event, by stream. Messages are parsed as lines of files are, for each program by the format of its first ones.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "collect/batch_maker.h"
#include "collect/journal_fields.h"
#include "collect/journal_reader.h"
#include "collect/source.h"
#include "contract/queue.h"
#include "os/clock.h"
#include "process/continuation.h"
#include "process/line_parser.h"

namespace clew::collect {

struct JournalSourceOptions {
  BatchOptions batch;  // its cursor is kept under the source's name
  JournalName journal;
  bool from_end = false;  // where it begins when it first runs
  size_t line_bytes_max = process::kLineBytesMax;
  uint64_t event_wait_nanos = 500'000'000;  // for further lines of an event of an output
};

// Threads:  run() has one of its own; stop() on any thread.
// Lifetime: queue, clock and metrics outlive it.
class JournalSource final : public Source {
 public:
  // Errors: what JournalReader::open says.
  static Result<std::unique_ptr<JournalSource>> open(JournalSourceOptions options, contract::Queue& queue,
                                                     const os::Clock& clock, base::Registry& metrics);
  JournalSource(JournalSourceOptions options, std::unique_ptr<JournalReader> reader, contract::Queue& queue,
                const os::Clock& clock, base::Registry& metrics);
  ~JournalSource() override;

  const std::string& name() const override { return options_.batch.source; }
  Status run() override;
  void stop() override;

 private:
  // An entry as it is kept until no more of its event can come.
  struct Event {
    std::string message;
    std::string program;
    std::string values;  // of the fields, one behind the other
    struct Field {
      const JournalField* field;
      size_t begin, end;  // in `values`
    };
    std::vector<Field> fields;
    std::string rest;  // fields beyond those that are known, as NAME=VALUE lines
    int64_t unix_nanos = 0;
    uint64_t grown_ns = 0;  // when its last line came
    process::Continuation continuation;
  };
  struct Program;

  std::string place_key() const { return "journal/" + options_.batch.source; }
  Status seek();
  Result<bool> read_some();
  void take_entry();
  void give(const Event& event);
  void give_older_than(uint64_t wait_nanos);
  Program& program_of(const Event& event);
  Status flush_if_due();
  Status flush();

  const JournalSourceOptions options_;
  contract::Queue& queue_;
  const os::Clock& clock_;
  std::unique_ptr<JournalReader> reader_;
  BatchMaker maker_;
  JournalFields names_;
  std::atomic<bool> stop_{false};
  std::string cursor_;                              // of the entry that was taken last
  uint64_t grown_ns_ = 0;                           // when that was
  bool moved_ = false;                              // entries were taken since the cursor was kept
  std::map<std::string, Event, std::less<>> open_;  // by stream: events that may go on
  std::map<std::string, std::unique_ptr<Program>, std::less<>> programs_;
  std::unique_ptr<Program> others_;  // programs beyond the first ones
  Event entry_;                      // being read
  std::vector<EventField> fields_;   // of the event being given

  base::Counter& entries_;
  base::Counter& no_message_;
  base::Counter& errors_;
};

}  // namespace clew::collect
