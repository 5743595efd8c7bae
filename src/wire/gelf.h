// GELF (Graylog Extended Log Format) 1.0 and 1.1: one message as one row. docs/protocols/gelf.md names the fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/json_event.h"
#include "wire/row_writer.h"

namespace clew::wire {

constexpr size_t kGelfChunksMax = 128;

// A piece of a message that no datagram could hold.
struct GelfChunk {
  std::string_view id;  // 8 bytes, the same for all pieces of a message
  uint8_t number = 0;   // below `count`
  uint8_t count = 0;    // 1 to kGelfChunksMax
  std::string_view bytes;
};
// Nothing for what begins like no chunk. Errors: kInvalid for numbers that cannot be.
Result<std::optional<GelfChunk>> read_gelf_chunk(std::string_view datagram);

// Threads:  one.
// Lifetime: the writer and the reader outlive it; the writer is attached to a batch whenever a message is put.
class GelfRows {
 public:
  GelfRows(RowWriter& rows, JsonEventReader& json) : rows_(rows), json_(json) {}

  // Adds a message, not compressed any more; `sender` is `log.source.address`.
  // Errors: kInvalid, with the place, for what is no JSON object; then no row was added.
  Status put(std::string_view message, std::string_view sender);

 private:
  Status rewrite(std::string_view message);

  RowWriter& rows_;
  JsonEventReader& json_;
  std::string text_;
  std::string scratch_;
};

}  // namespace clew::wire
