// The bytes of the disk queue (docs/formats/queue.md): the meta of its journal records, and its state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/queue.h"

namespace clew::queue {

constexpr uint8_t kRecordTag = 'Q';  // a store's metas begin otherwise: journals of both kinds are told apart
constexpr uint8_t kRecordVersion = 1;
constexpr uint32_t kStateVersion = 1;
constexpr uint32_t kPlacesMax = 65'536;         // in one record
constexpr uint32_t kSourceBytesMax = 4'096;     // of a source's key
constexpr uint64_t kPlacesBytesMax = 8u << 20;  // keys and places of a record, or of all sources together
constexpr uint64_t kStateHeaderBytes = 8 + 4 + 4 + 8 + 4;

// What a journal record's meta says; the batch is its blob, which a record of places alone lacks.
struct QueueRecord {
  uint64_t offset = 0;        // at least 1
  uint32_t rows = 0;          // 0 when there is no batch
  uint64_t acknowledged = 0;  // offset up to which all was stored downstream when this was written
  int64_t appended_at = 0;    // nanoseconds since the epoch
  uint32_t batch_crc = 0;     // CRC-32C of the batch
  std::vector<contract::QueuePlace> places;
};
std::string encode_record(const QueueRecord& record);
// Errors: kCorrupt; kUnsupported for a later version.
Result<QueueRecord> decode_record(std::string_view meta);
// One line for `clew inspect`; empty when the meta is of another store.
std::string describe_record(std::string_view meta);

// What must be known when the records that said it are gone.
struct QueueState {
  uint64_t generation = 0;  // rises with each write of it
  std::string producer;
  uint64_t reserved = 0;           // no process has given out an offset beyond it
  uint64_t acknowledged = 0;       // offset
  uint64_t applied = 0;            // offset of the last record whose places are in `places`
  uint64_t appended_rows = 0;      // of all records up to `applied`
  uint64_t acknowledged_rows = 0;  // of all up to `acknowledged`
  std::map<std::string, std::string> places;
};
std::string encode_state(const QueueState& state);
// Reads what encode_state wrote, whatever follows it.
// Errors: kCorrupt; kUnsupported for a later version.
Result<QueueState> decode_state(std::string_view bytes);

}  // namespace clew::queue
