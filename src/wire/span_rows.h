// Spans as events of the dataset `traces`, the same fields from every protocol.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/any_value.h"
#include "wire/keyed_rows.h"
#include "wire/object_lists.h"

namespace clew::wire {

constexpr std::string_view kTracesDataset = "traces";

// Ids as the bytes that they stand for, or as the texts that are kept.
enum class IdForm : uint8_t { kBytes, kText };

// A span's own fields; empty texts and zero times are left out.
struct SpanFields {
  IdForm ids = IdForm::kBytes;
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_span_id;
  std::string_view name;
  std::string_view kind;         // "server"
  std::string_view status_code;  // "error"
  std::string_view status_message;
  std::string_view trace_state;
  uint64_t start = 0;  // ns since the epoch
  uint64_t end = 0;
  uint64_t flags = 0;
  uint64_t dropped_attributes = 0;
  uint64_t dropped_events = 0;
  uint64_t dropped_links = 0;
};

// Threads: one.
class SpanRows {
 public:
  // Once a request, after rows.begin_request().
  void find_keys(KeyedRows& rows);
  void put(KeyedRows& rows, const SpanFields& span);

 private:
  struct {
    Key* trace_id;
    Key* span_id;
    Key* parent_span_id;
    Key* name;
    Key* kind;
    Key* start;
    Key* end;
    Key* duration_ns;
    Key* status_code;
    Key* status_message;
    Key* trace_state;
    Key* flags;
    Key* dropped_attributes;
    Key* dropped_events;
    Key* dropped_links;
  } keys_{};
  std::string hex_;
};

// A time inside an array of objects: RFC 3339, or the number where that cannot be.
void append_time_json(uint64_t unix_nanos, std::string& out);

}  // namespace clew::wire
