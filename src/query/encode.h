// Answers and failures in the forms of the protocols: OpenSearch's jdbc JSON, csv, raw and viz; NDJSON rows.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/answer.h"
#include "query/engine.h"

namespace clew::query {

// Appends a value as JSON. Timestamps, dates, times and ips are strings; doubles keep a point or an exponent.
void append_json(const model::Value& value, std::string& out);
void append_json_string(std::string_view text, std::string& out);
// Appends a value as the text of a table or csv cell; null is empty.
void append_text(const model::Value& value, std::string& out);

// One row as a JSON object, null columns left out: what /clew/v1/search streams. No newline.
void append_json_row(const std::vector<OutputColumn>& schema, const RowBatch& batch, uint32_t row, std::string& out);

enum class Format : uint8_t { kJdbc, kCsv, kRaw, kViz };
std::optional<Format> format_of_name(std::string_view name);  // jdbc, csv, raw, viz
std::string_view format_content_type(Format format);

struct EncodeOptions {
  bool sanitize = true;  // csv: cells that begin with = + - @ get a leading '
  bool pretty = false;   // jdbc and viz: indented
};

// Collects a whole answer as one body.
class BodyReceiver : public Receiver {
 public:
  // The body; call after run() ended without failure.
  virtual std::string body() = 0;
};
std::unique_ptr<BodyReceiver> make_body_receiver(Format format, EncodeOptions options);

// OpenSearch's error body: {"error":{"type","code","reason","details","location",..},"status":n}.
std::string failure_body(const Failure& failure);

}  // namespace clew::query
