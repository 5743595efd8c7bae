// Queue keeps encoded batches in order until they are stored downstream, and what the sources had read with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace clew::contract {

// How far a source has been read, in a text that only the source understands. An empty place forgets the source.
struct QueuePlace {
  std::string source;  // 1 to 4,096 bytes
  std::string place;
};

struct QueueEntry {
  uint64_t offset = 0;  // rises, is never given out twice, has gaps: the sequence of the batch key
  uint32_t rows = 0;
  std::string batch;        // an encoded part, or several (docs/formats/queue.md)
  std::string source;       // whose it is: of the last place that was appended with it; empty where there was none
  int64_t appended_at = 0;  // nanoseconds since the epoch
};

// What of one source is in the queue.
struct QueueShare {
  uint64_t waiting_rows = 0;
  uint64_t damaged_rows = 0;  // as QueueStats::damaged_rows
};

struct QueueStats {
  uint64_t disk_bytes = 0;  // of all files, room made ahead included
  uint64_t disk_bytes_max = 0;
  uint64_t waiting_entries = 0;  // not acknowledged
  uint64_t waiting_rows = 0;
  uint64_t waiting_bytes = 0;
  int64_t oldest_age_ns = 0;       // of the oldest that waits; 0 when none does
  uint64_t appended_rows = 0;      // in all, over restarts
  uint64_t acknowledged_rows = 0;  // in all, over restarts; a crash may forget the last ones
  uint64_t damaged_entries = 0;    // lost to damage of the disk, as this process found
  uint64_t damaged_rows = 0;       // of them, where it is known
};

// Threads: all functions on any thread.
// Crash:   what append() answered ok is read until acknowledged, and places() is of the same moment: an entry and its
//          places are there both or neither.
class Queue {
 public:
  virtual ~Queue() = default;

  // The name of this queue in batch keys, made once at random and kept with it.
  virtual const std::string& producer() const = 0;

  // Keeps a batch and moves places, atomically; durable when it answers ok. With an empty batch (rows 0) only places
  // move and nothing is sent. Gives the entry's offset.
  // Errors: kOverloaded (full to its cap: wait_room), kFull (the disk: try again later), kTooLarge, kInvalid; kIo, and
  //         kUnavailable when closed or when the disk failed so that only a restart helps. After an error the batch may
  //         still be found after a restart, then together with its places.
  virtual Result<uint64_t> append(std::string batch, uint32_t rows, std::vector<QueuePlace> places) = 0;
  // As after the last durable append.
  virtual std::map<std::string, std::string> places() const = 0;

  // The oldest entry that is not acknowledged and has an offset of at least `from`; nothing when there is none. A
  // damaged one is left out and counted.
  // Errors: kIo; try again.
  virtual Result<std::optional<QueueEntry>> read(uint64_t from) = 0;
  // Waits until read(from) gives something, for at most that long or until close(). True when it does.
  virtual bool wait_readable(uint64_t from, std::chrono::milliseconds at_most) = 0;
  // Waits until there is room for a batch of that size, for at most that long or until close(). True when there is.
  virtual bool wait_room(uint64_t bytes, std::chrono::milliseconds at_most) = 0;

  // Everything up to and with `offset` has been stored downstream. A crash may forget it: those are read again, and
  // known downstream by their keys.
  // Errors: kIo, kFull when files could not be removed; it counts all the same.
  virtual Status acknowledge(uint64_t offset) = 0;

  virtual QueueStats stats() const = 0;
  // By QueueEntry::source; sources of which nothing ever waited since the start may be left out.
  virtual std::map<std::string, QueueShare> shares() const { return {}; }
  // Takes no more, keeps what was acknowledged, wakes those who wait. read() still works.
  virtual void close() = 0;
};

}  // namespace clew::contract
