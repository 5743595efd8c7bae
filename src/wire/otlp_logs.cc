#include "wire/otlp_logs.h"

#include "wire/any_value.h"
#include "wire/keyed_rows.h"
#include "wire/otlp_json.h"
#include "wire/otlp_walk.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr std::string_view kItemName = "log record";

// A LogRecord's own fields; the values inside body and attributes are not looked at yet.
struct LogRecord {
  uint64_t time = 0;
  uint64_t observed_time = 0;
  uint64_t severity_number = 0;
  uint64_t dropped_attributes = 0;
  uint32_t flags = 0;
  std::string_view severity_text;
  std::string_view body;
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view event_name;
};

constexpr uint32_t kAttributes = proto_tag(6, WireType::kBytes);

ProtoProblem read_record(std::string_view bytes, LogRecord& r) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kFixed64): r.time = in.fixed64(); break;
      case proto_tag(2, WireType::kVarint): r.severity_number = in.varint(); break;
      case proto_tag(3, WireType::kBytes): r.severity_text = in.bytes(); break;
      case proto_tag(5, WireType::kBytes): r.body = in.bytes(); break;
      case proto_tag(7, WireType::kVarint): r.dropped_attributes = in.varint(); break;
      case proto_tag(8, WireType::kFixed32): r.flags = in.fixed32(); break;
      case proto_tag(9, WireType::kBytes): r.trace_id = in.bytes(); break;
      case proto_tag(10, WireType::kBytes): r.span_id = in.bytes(); break;
      case proto_tag(11, WireType::kFixed64): r.observed_time = in.fixed64(); break;
      case proto_tag(12, WireType::kBytes): r.event_name = in.bytes(); break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return {"malformed protobuf", in.position()};
  return {};
}

}  // namespace

struct OtlpLogsDecoder::State {
  KeyedRows rows;
  AnyValues values;
  OtlpWalk walk;
  JsonToProto json;
  std::string hex;

  // Names of the record's own fields.
  struct {
    Key* time;
    Key* observed_time;
    Key* severity_number;
    Key* severity_text;
    Key* message;
    Key* trace_id;
    Key* span_id;
    Key* event_name;
    Key* flags;
    Key* dropped_attributes;
  } own{};

  void find_own_keys();
  Result<Events> decode(std::string_view body, const Intake& intake);
  void take_scope(const Intake& intake, std::string_view body, Events& events);
  ProtoProblem take_record(std::string_view bytes);
  void put_own(const LogRecord& r);
};

void OtlpLogsDecoder::State::find_own_keys() {
  own.time = rows.key("timeUnixNano");
  own.observed_time = rows.key("observedTimeUnixNano");
  own.severity_number = rows.key("severityNumber");
  own.severity_text = rows.key("severityText");
  own.message = rows.key("message");
  own.trace_id = rows.key("trace_id");
  own.span_id = rows.key("span_id");
  own.event_name = rows.key("event.name");
  own.flags = rows.key("flags");
  own.dropped_attributes = rows.key("dropped_attributes_count");
}

void OtlpLogsDecoder::State::put_own(const LogRecord& r) {
  rows.put_nanos(own.time, r.time);
  rows.put_nanos(own.observed_time, r.observed_time);
  if (r.severity_number != 0) rows.put_count(own.severity_number, r.severity_number);
  if (!r.severity_text.empty()) rows.put_string(own.severity_text, r.severity_text);
  std::string_view id = hex_id(r.trace_id, hex);
  if (!id.empty()) rows.put_string(own.trace_id, id);
  id = hex_id(r.span_id, hex);
  if (!id.empty()) rows.put_string(own.span_id, id);
  if (!r.event_name.empty()) rows.put_string(own.event_name, r.event_name);
  if (r.flags != 0) rows.put_count(own.flags, r.flags);
  if (r.dropped_attributes != 0) rows.put_count(own.dropped_attributes, r.dropped_attributes);
}

ProtoProblem OtlpLogsDecoder::State::take_record(std::string_view bytes) {
  LogRecord r;
  if (ProtoProblem p = read_record(bytes, r)) return p;
  put_own(r);
  // A text body is the message, whatever attributes say; the members of a map come after the attributes.
  bool is_text = false;
  std::string_view text;
  if (ProtoProblem p = values.read_text(r.body, is_text, text)) return p;
  if (is_text) rows.put_string(own.message, text);
  for (ProtoReader in(bytes); in.find(kAttributes);) {
    if (ProtoProblem p = values.put_attribute(rows, in.bytes(), Level::kAttribute)) return p;
  }
  if (!is_text && !r.body.empty()) {
    if (ProtoProblem p = values.put_body(rows, r.body)) return p;
  }
  rows.end_row(r.time != 0 ? r.time : r.observed_time);
  return {};
}

void OtlpLogsDecoder::State::take_scope(const Intake& intake, std::string_view body, Events& events) {
  rows.select(batch_of(events.batches, walk.dataset().empty() ? intake.dataset : walk.dataset()), intake);
  rows.share(walk.shared());
  for (std::string_view item; walk.next_item(item);) {
    uint64_t number = ++events.received;
    if (!rows.begin_row()) {
      events.reject({number, Reason::kTooLarge, too_large_text(kItemName, number)});
      continue;
    }
    if (ProtoProblem p = take_record(item)) {
      rows.abandon_row();
      events.reject({number, Reason::kSyntax, describe(kItemName, number, p, body)});
    }
  }
}

Result<Events> OtlpLogsDecoder::State::decode(std::string_view body, const Intake& intake) {
  Events events;
  rows.begin_request();
  find_own_keys();
  for (walk.begin(body); walk.next_scope();) take_scope(intake, body, events);
  if (walk.failed()) return walk.error();
  drop_empty(events.batches);
  return events;
}

OtlpLogsDecoder::OtlpLogsDecoder() : state_(std::make_unique<State>()) {}
OtlpLogsDecoder::~OtlpLogsDecoder() = default;

Result<Events> OtlpLogsDecoder::decode_protobuf(std::string_view body, const Intake& intake) {
  return state_->decode(body, intake);
}

Result<Events> OtlpLogsDecoder::decode_json(std::string_view body, const Intake& intake) {
  return decode_otlp_json(*state_, otlp_logs_schema(), body, intake);
}

}  // namespace clew::wire
