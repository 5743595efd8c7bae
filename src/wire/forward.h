// Fluentd's and Fluent Bit's forward protocol: what a message holds, and its entries as rows. docs/protocols/forward.md
// names the fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/json_event.h"
#include "wire/msgpack.h"
#include "wire/row_writer.h"

namespace clew::wire {

// One message: an array whose second element says which of three forms it has. Views into its bytes.
struct ForwardMessage {
  enum class Form : uint8_t {
    kOne,     // [tag, time, record, options]
    kMany,    // [tag, [[time, record], ...], options]
    kPacked,  // [tag, bytes that hold [time, record] after [time, record], options]
  };
  Form form = Form::kOne;
  std::string_view tag;
  std::string_view entries;     // kOne: time and record; kMany: the array; kPacked: as it came
  std::string_view chunk;       // the name under which an acknowledgement is asked for; empty: none is
  std::string_view compressed;  // of kPacked: "gzip", "zstd"; empty: not
};

// Errors: kInvalid, with the byte offset.
Result<ForwardMessage> read_forward_message(std::string_view bytes);

// What became of entries.
struct ForwardCounts {
  uint32_t rows = 0;
  uint32_t rejected = 0;  // records that are no maps, or nested too deep
  bool broken = false;    // what follows could not be read
};

// Threads:  one.
// Lifetime: the writer and the reader outlive it; the writer is attached to a batch whenever entries are put.
class ForwardRows {
 public:
  ForwardRows(RowWriter& rows, JsonEventReader& json) : rows_(rows), json_(json) {}

  // Begins with the entries of a message; of packed ones `entries` are the plain bytes.
  void begin(const ForwardMessage& message, std::string_view entries, std::string_view sender);
  // Adds at most so many entries as rows, and what became of them to `counts`. False when there are no more.
  bool put(uint32_t entries_max, ForwardCounts& counts);

 private:
  bool put_one(ForwardCounts& counts);
  int64_t read_time();

  RowWriter& rows_;
  JsonEventReader& json_;
  MsgpackReader in_{{}};
  std::string_view tag_;
  std::string_view sender_;
  bool pairs_ = true;  // an entry is an array of time and record
  uint64_t left_ = 0;  // entries, where their number is known
  bool counted_ = true;
  std::string text_;
};

}  // namespace clew::wire
