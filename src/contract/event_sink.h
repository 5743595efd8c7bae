// EventSink takes batches of events and keeps them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "contract/access.h"
#include "model/batch.h"

namespace clew::contract {

// Names one write so that a repetition of it is known (DESIGN.md section 4a.1).
struct BatchKey {
  std::string producer;  // 1 to 256 bytes
  uint64_t sequence = 0;
  friend auto operator<=>(const BatchKey&, const BatchKey&) = default;
};

// Rows of `_id` that must not exist yet (`create` of _bulk), by index into Write::batches and row.
struct CreateRow {
  uint32_t batch = 0;
  uint32_t row = 0;
};

// One write: all of it becomes durable and visible at once, or none.
struct Write {
  Access access;
  std::optional<BatchKey> key;        // without one the store makes one and nothing is deduplicated
  std::vector<model::Batch> batches;  // at most one per dataset; rows in order of arrival
  std::vector<CreateRow> creates;
};

// `_id` of an event that no client named: row `row` of the write `key`.
inline std::string event_id(const BatchKey& key, uint64_t row) {
  return key.producer + ":" + std::to_string(key.sequence) + ":" + std::to_string(row);
}

struct Ack {
  BatchKey key;
  Seq first_seq;           // of the first row of batches[0]; the others follow on
  uint64_t first_row = 0;  // row number of that row in `_id`; 0 for keys of clients
  uint32_t rows = 0;
  bool duplicate = false;            // the key was stored before: nothing was written, this is the first answer again
  std::vector<CreateRow> conflicts;  // creates that exist already; those rows were left out
};

// Threads: write on any thread; it may block briefly for memory but never for the disk. `done` is called exactly once,
//          on a thread of the sink, after the events are durable and visible to the next query; or at once on the
//          caller's thread when the answer is known without the disk (a duplicate, an error). Errors:
//          kOverloaded (try later), kFull (disk reserve reached), kUnavailable (closing or sealed), kTooLarge, kIo.
class EventSink {
 public:
  virtual ~EventSink() = default;
  using Done = std::function<void(Result<Ack>)>;
  virtual void write(Write write, Done done) = 0;
};

}  // namespace clew::contract
