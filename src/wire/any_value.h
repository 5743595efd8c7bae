// OTLP's AnyValue and KeyValue as fields: scalars as they are, maps flattened to dotted names, arrays as JSON text,
// arrays of maps as one array per leaf (model/column.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/keyed_rows.h"
#include "wire/object_lists.h"

namespace clew::wire {

constexpr int kValueDepthMax = 64;  // deeper values are cut and flagged

// What the malformed bytes are and where; null text when there are none.
struct ProtoProblem {
  const char* text = nullptr;
  const char* at = nullptr;
  explicit operator bool() const { return text != nullptr; }
};

// Threads: one. Keeps its memory.
class AnyValues {
 public:
  // A KeyValue message as a field of the row.
  ProtoProblem put_attribute(KeyedRows& rows, std::string_view key_value, Level level);
  // An AnyValue message as the field `name`.
  ProtoProblem put_value(KeyedRows& rows, std::string_view name, Level level, std::string_view any);
  // Whether an AnyValue message is a text, and which.
  ProtoProblem read_text(std::string_view any, bool& is_text, std::string_view& text);
  // A LogRecord's body that is no text: the members of a map are fields, anything else is `body`.
  ProtoProblem put_body(KeyedRows& rows, std::string_view any);

  // A KeyValue as values of a run of events, below `prefix` where that is not empty.
  ProtoProblem share_attribute(std::string_view key_value, Level level, std::string_view prefix,
                               std::vector<SharedValue>& out);
  // A KeyValue as leaves of the current element.
  ProtoProblem put_element_attribute(std::string_view key_value, ObjectLists& lists);
  // The KeyValues that a message has as fields of that tag, as a JSON object.
  ProtoProblem append_json(std::string_view message, uint32_t tag, std::string& out);

 private:
  ObjectLists lists_;
  std::string json_;
  std::string path_;
};

}  // namespace clew::wire
