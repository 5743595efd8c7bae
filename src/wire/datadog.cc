#include "wire/datadog.h"

#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "wire/keyed_rows.h"
#include "wire/msgpack.h"
#include "wire/otlp_walk.h"
#include "wire/span_rows.h"

namespace clew::wire {
namespace {

constexpr std::string_view kItemName = "span";
constexpr uint32_t kTableFields = 12;      // of a span in the form with a table
constexpr uint32_t kTextsMax = 1'000'000;  // of the table
constexpr double kWholeMax = 9e15;         // doubles up to here are whole numbers exactly

struct DatadogSpan {
  std::string_view service;
  std::string_view name;
  std::string_view resource;
  std::string_view type;
  uint64_t trace_id = 0;
  uint64_t span_id = 0;
  uint64_t parent_id = 0;
  int64_t start = 0;
  int64_t duration = 0;
  int64_t error = 0;
  std::vector<std::pair<std::string_view, std::string_view>> meta;
  std::vector<std::pair<std::string_view, double>> metrics;

  std::string_view meta_of(std::string_view key) const {
    for (const auto& [name_of, value] : meta) {
      if (name_of == key) return value;
    }
    return {};
  }
};

void append_big_endian(uint64_t v, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift & 0xff));
}

// The upper half of a 128-bit trace id comes as text.
std::string trace_id_of(const DatadogSpan& span) {
  std::string_view high = span.meta_of("_dd.p.tid");
  uint64_t v = 0;
  std::from_chars(high.data(), high.data() + high.size(), v, 16);
  std::string out;
  append_big_endian(v, out);
  append_big_endian(span.trace_id, out);
  return out;
}

std::string id_of(uint64_t id) {
  std::string out;
  if (id != 0) append_big_endian(id, out);
  return out;
}

std::string_view kind_of(const DatadogSpan& span) {
  std::string_view said = span.meta_of("span.kind");
  if (!said.empty()) return said;
  if (span.type == "web" || span.type == "grpc") return "server";
  if (span.type == "http" || span.type == "sql" || span.type == "db" || span.type == "cache" || span.type == "redis" ||
      span.type == "mongodb" || span.type == "elasticsearch" || span.type == "memcached") {
    return "client";
  }
  return "internal";
}

}  // namespace

struct DatadogDecoder::State {
  KeyedRows rows;
  SpanRows spans;
  std::vector<std::string_view> texts;
  std::string name;

  Result<Events> decode(std::string_view body, DatadogForm form, const Intake& intake);
  bool read_table(MsgpackReader& in);
  std::string_view table_text(MsgpackReader& in);
  void read_map(MsgpackReader& in, DatadogSpan& span);
  void read_row(MsgpackReader& in, DatadogSpan& span);
  void put_span(const DatadogSpan& span);
  std::string_view field_name(std::string_view key);
};

bool DatadogDecoder::State::read_table(MsgpackReader& in) {
  texts.clear();
  if (in.array() != 2) return false;
  uint32_t count = in.array();
  if (count > kTextsMax) return false;
  for (uint32_t i = 0; i < count && !in.failed(); ++i) texts.push_back(in.text());
  return !in.failed();
}

std::string_view DatadogDecoder::State::table_text(MsgpackReader& in) {
  int64_t index = in.integer();
  return index >= 0 && static_cast<size_t>(index) < texts.size() ? texts[static_cast<size_t>(index)]
                                                                 : std::string_view();
}

void DatadogDecoder::State::read_map(MsgpackReader& in, DatadogSpan& span) {
  uint32_t pairs = in.map();
  for (uint32_t i = 0; i < pairs && !in.failed(); ++i) {
    std::string_view key = in.text();
    if (key == "service")
      span.service = in.text();
    else if (key == "name")
      span.name = in.text();
    else if (key == "resource")
      span.resource = in.text();
    else if (key == "type")
      span.type = in.text();
    else if (key == "trace_id")
      span.trace_id = static_cast<uint64_t>(in.integer());
    else if (key == "span_id")
      span.span_id = static_cast<uint64_t>(in.integer());
    else if (key == "parent_id")
      span.parent_id = static_cast<uint64_t>(in.integer());
    else if (key == "start")
      span.start = in.integer();
    else if (key == "duration")
      span.duration = in.integer();
    else if (key == "error")
      span.error = in.integer();
    else if (key == "meta") {
      uint32_t count = in.map();
      for (uint32_t m = 0; m < count && !in.failed(); ++m) {
        std::string_view name_of = in.text();
        span.meta.emplace_back(name_of, in.text());
      }
    } else if (key == "metrics") {
      uint32_t count = in.map();
      for (uint32_t m = 0; m < count && !in.failed(); ++m) {
        std::string_view name_of = in.text();
        span.metrics.emplace_back(name_of, in.real());
      }
    } else {
      in.skip();
    }
  }
}

void DatadogDecoder::State::read_row(MsgpackReader& in, DatadogSpan& span) {
  uint32_t fields = in.array();
  if (fields < kTableFields) {
    for (uint32_t i = 0; i < fields; ++i) in.skip();
    return;
  }
  span.service = table_text(in);
  span.name = table_text(in);
  span.resource = table_text(in);
  span.trace_id = static_cast<uint64_t>(in.integer());
  span.span_id = static_cast<uint64_t>(in.integer());
  span.parent_id = static_cast<uint64_t>(in.integer());
  span.start = in.integer();
  span.duration = in.integer();
  span.error = in.integer();
  uint32_t count = in.map();
  for (uint32_t m = 0; m < count && !in.failed(); ++m) {
    std::string_view name_of = table_text(in);
    span.meta.emplace_back(name_of, table_text(in));
  }
  count = in.map();
  for (uint32_t m = 0; m < count && !in.failed(); ++m) {
    std::string_view name_of = table_text(in);
    span.metrics.emplace_back(name_of, in.real());
  }
  span.type = table_text(in);
  for (uint32_t i = kTableFields; i < fields && !in.failed(); ++i) in.skip();
}

// Names of clew's own begin with `_`; theirs lose it.
std::string_view DatadogDecoder::State::field_name(std::string_view key) {
  while (key.starts_with('_')) key.remove_prefix(1);
  return key;
}

void DatadogDecoder::State::put_span(const DatadogSpan& span) {
  const std::string trace_id = trace_id_of(span);
  const std::string span_id = id_of(span.span_id);
  const std::string parent_id = id_of(span.parent_id);
  SpanFields fields;
  fields.trace_id = trace_id;
  fields.span_id = span_id;
  fields.parent_span_id = parent_id;
  fields.name = span.resource.empty() ? span.name : span.resource;
  fields.kind = kind_of(span);
  fields.start = span.start > 0 ? static_cast<uint64_t>(span.start) : 0;
  if (span.start > 0 && span.duration >= 0 && span.duration <= INT64_MAX - span.start) {
    fields.end = static_cast<uint64_t>(span.start + span.duration);
  }
  fields.status_code = span.error != 0 ? "error" : "unset";
  if (span.error != 0) {
    fields.status_message = span.meta_of("error.message");
    if (fields.status_message.empty()) fields.status_message = span.meta_of("error.msg");
  }
  spans.put(rows, fields);
  auto text = [&](std::string_view field, std::string_view v) {
    if (!v.empty()) rows.put_string(field, Level::kRecord, v);
  };
  text("service.name", span.service);
  text("operation", span.name);
  text("type", span.type);
  for (const auto& [key, value] : span.meta) {
    if (key == "_dd.p.tid" || key == "span.kind" || field_name(key).empty()) continue;
    rows.put_string(field_name(key), Level::kAttribute, value);
  }
  for (const auto& [key, value] : span.metrics) {
    std::string_view field = key == "process_id" ? std::string_view("process.pid") : field_name(key);
    if (field.empty()) continue;
    bool whole = std::abs(value) < kWholeMax && std::floor(value) == value;
    if (whole)
      rows.put_int(field, Level::kAttribute, static_cast<int64_t>(value));
    else
      rows.put_double(field, Level::kAttribute, value);
  }
  rows.end_row(fields.start);
}

Result<Events> DatadogDecoder::State::decode(std::string_view body, DatadogForm form, const Intake& intake) {
  Events events;
  rows.begin_request();
  rows.select(batch_of(events.batches, kTracesDataset), intake);
  rows.share({});
  spans.find_keys(rows);
  MsgpackReader in(body);
  if (form == DatadogForm::kTable && !read_table(in))
    return Error(Code::kInvalid, "no table of texts before the spans");
  if (in.type() != MsgpackReader::Type::kArray) return Error(Code::kInvalid, "expected an array of traces");
  uint32_t traces = in.array();
  for (uint32_t t = 0; t < traces && !in.failed(); ++t) {
    uint32_t count = in.array();
    for (uint32_t i = 0; i < count && !in.failed(); ++i) {
      DatadogSpan span;
      if (form == DatadogForm::kTable)
        read_row(in, span);
      else
        read_map(in, span);
      if (in.failed()) break;
      uint64_t number = ++events.received;
      if (span.trace_id == 0 || span.span_id == 0) {
        events.reject({number, Reason::kSyntax,
                       std::string(kItemName) + " " + std::to_string(number) + ": a span needs trace_id and span_id"});
      } else if (!rows.begin_row()) {
        events.reject({number, Reason::kTooLarge, too_large_text(kItemName, number)});
      } else {
        put_span(span);
      }
    }
  }
  if (in.failed() || !in.at_end()) {
    return Error(Code::kInvalid, "malformed msgpack at byte " + std::to_string(in.position()));
  }
  drop_empty(events.batches);
  return events;
}

DatadogDecoder::DatadogDecoder() : state_(std::make_unique<State>()) {}
DatadogDecoder::~DatadogDecoder() = default;

Result<Events> DatadogDecoder::decode(std::string_view body, DatadogForm form, const Intake& intake) {
  return state_->decode(body, form, intake);
}

}  // namespace clew::wire
