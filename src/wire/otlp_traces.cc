#include "wire/otlp_traces.h"

#include <iterator>

#include "model/json_text.h"
#include "wire/otlp_json.h"
#include "wire/otlp_walk.h"
#include "wire/protobuf.h"
#include "wire/span_rows.h"

namespace clew::wire {
namespace {

constexpr std::string_view kItemName = "span";
constexpr std::string_view kKinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
constexpr std::string_view kStatusCodes[] = {"unset", "ok", "error"};

ProtoProblem malformed(const ProtoReader& in) { return {"malformed protobuf", in.position()}; }

// Messages inside a Span; they are read one after the other, a kind at a time.
constexpr uint32_t kAttributes = proto_tag(9, WireType::kBytes);
constexpr uint32_t kEvents = proto_tag(11, WireType::kBytes);
constexpr uint32_t kLinks = proto_tag(13, WireType::kBytes);

ProtoProblem read_span(std::string_view bytes, SpanFields& span, uint64_t& kind, std::string_view& status) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kBytes): span.trace_id = in.bytes(); break;
      case proto_tag(2, WireType::kBytes): span.span_id = in.bytes(); break;
      case proto_tag(3, WireType::kBytes): span.trace_state = in.bytes(); break;
      case proto_tag(4, WireType::kBytes): span.parent_span_id = in.bytes(); break;
      case proto_tag(5, WireType::kBytes): span.name = in.bytes(); break;
      case proto_tag(6, WireType::kVarint): kind = in.varint(); break;
      case proto_tag(7, WireType::kFixed64): span.start = in.fixed64(); break;
      case proto_tag(8, WireType::kFixed64): span.end = in.fixed64(); break;
      case proto_tag(10, WireType::kVarint): span.dropped_attributes = in.varint(); break;
      case proto_tag(12, WireType::kVarint): span.dropped_events = in.varint(); break;
      case proto_tag(14, WireType::kVarint): span.dropped_links = in.varint(); break;
      case proto_tag(15, WireType::kBytes): status = in.bytes(); break;
      case proto_tag(16, WireType::kFixed32): span.flags = in.fixed32(); break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return malformed(in);
  return {};
}

ProtoProblem read_status(std::string_view bytes, SpanFields& span, uint64_t& code) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(2, WireType::kBytes))
      span.status_message = in.bytes();
    else if (tag == proto_tag(3, WireType::kVarint))
      code = in.varint();
    else
      in.skip(tag);
  }
  if (in.failed()) return malformed(in);
  return {};
}

// The name of an enum's value; its number where there is no name.
template <size_t kNames>
std::string_view name_of(const std::string_view (&names)[kNames], uint64_t v, std::string& buffer) {
  if (v < kNames) return names[v];
  buffer = std::to_string(static_cast<int64_t>(v));
  return buffer;
}

// How the attributes of events and links are written.
enum class Attributes : uint8_t {
  kLeaves,   // a list each
  kOneText,  // one JSON object an element: where every element has other attributes, lists would be nearly empty
};

}  // namespace

struct OtlpTracesDecoder::State {
  KeyedRows rows;
  SpanRows spans;
  AnyValues values;
  OtlpWalk walk;
  JsonToProto json;
  ObjectLists lists;
  std::string hex;
  std::string kind_buffer;
  std::string status_buffer;

  Result<Events> decode(std::string_view body, const Intake& intake);
  void take_scope(std::string_view body, Events& events);
  ProtoProblem take_span(std::string_view bytes);
  using PutElement = ProtoProblem (State::*)(std::string_view, Attributes);
  ProtoProblem put_elements(std::string_view prefix, std::string_view span, uint32_t tag, PutElement put);
  ProtoProblem put_event(std::string_view bytes, Attributes how);
  ProtoProblem put_link(std::string_view bytes, Attributes how);
  ProtoProblem put_element_attributes(std::string_view element, uint32_t tag, Attributes how);
  void put_id(std::string_view name, std::string_view id);
};

ProtoProblem OtlpTracesDecoder::State::put_element_attributes(std::string_view element, uint32_t tag, Attributes how) {
  ProtoReader in(element);
  if (how == Attributes::kOneText) {
    if (!in.find(tag)) return {};
    return values.append_json(element, tag, lists.leaf("attributes"));
  }
  while (in.find(tag)) {
    if (ProtoProblem p = values.put_element_attribute(in.bytes(), lists)) return p;
  }
  return {};
}

void OtlpTracesDecoder::State::put_id(std::string_view name, std::string_view id) {
  std::string_view digits = hex_id(id, hex);
  if (!digits.empty()) model::append_json_string(digits, lists.leaf(name));
}

// Own fields come last, so that they win over attributes of the same name.
ProtoProblem OtlpTracesDecoder::State::put_event(std::string_view bytes, Attributes how) {
  uint64_t nanos = 0;
  uint64_t dropped = 0;
  std::string_view name;
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kFixed64): nanos = in.fixed64(); break;
      case proto_tag(2, WireType::kBytes): name = in.bytes(); break;
      case proto_tag(4, WireType::kVarint): dropped = in.varint(); break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return malformed(in);
  if (ProtoProblem p = put_element_attributes(bytes, proto_tag(3, WireType::kBytes), how)) return p;
  if (nanos != 0) append_time_json(nanos, lists.leaf("time"));
  model::append_json_string(name, lists.leaf("name"));
  if (dropped != 0) lists.leaf("dropped_attributes_count") += std::to_string(dropped);
  return {};
}

ProtoProblem OtlpTracesDecoder::State::put_link(std::string_view bytes, Attributes how) {
  uint64_t dropped = 0;
  uint32_t flags = 0;
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view trace_state;
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kBytes): trace_id = in.bytes(); break;
      case proto_tag(2, WireType::kBytes): span_id = in.bytes(); break;
      case proto_tag(3, WireType::kBytes): trace_state = in.bytes(); break;
      case proto_tag(5, WireType::kVarint): dropped = in.varint(); break;
      case proto_tag(6, WireType::kFixed32): flags = in.fixed32(); break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return malformed(in);
  if (ProtoProblem p = put_element_attributes(bytes, proto_tag(4, WireType::kBytes), how)) return p;
  put_id("trace_id", trace_id);
  put_id("span_id", span_id);
  if (!trace_state.empty()) model::append_json_string(trace_state, lists.leaf("trace_state"));
  if (flags != 0) lists.leaf("flags") += std::to_string(flags);
  if (dropped != 0) lists.leaf("dropped_attributes_count") += std::to_string(dropped);
  return {};
}

ProtoProblem OtlpTracesDecoder::State::put_elements(std::string_view prefix, std::string_view span, uint32_t tag,
                                                    PutElement put) {
  for (Attributes how : {Attributes::kLeaves, Attributes::kOneText}) {
    lists.clear();
    for (ProtoReader in(span); in.find(tag);) {
      lists.begin_element();
      if (ProtoProblem p = (this->*put)(in.bytes(), how)) return p;
      if (lists.is_sparse() && how == Attributes::kLeaves) break;
    }
    if (!lists.is_sparse()) break;
  }
  if (lists.elements() != 0) rows.put_lists(prefix, Level::kRecord, lists);
  return {};
}

ProtoProblem OtlpTracesDecoder::State::take_span(std::string_view bytes) {
  SpanFields span;
  uint64_t kind = 0;
  uint64_t status = 0;
  std::string_view status_bytes;
  if (ProtoProblem p = read_span(bytes, span, kind, status_bytes)) return p;
  if (ProtoProblem p = read_status(status_bytes, span, status)) return p;
  span.kind = name_of(kKinds, kind, kind_buffer);
  span.status_code = name_of(kStatusCodes, status, status_buffer);
  spans.put(rows, span);
  if (ProtoProblem p = put_elements("events.", bytes, kEvents, &State::put_event)) return p;
  if (ProtoProblem p = put_elements("links.", bytes, kLinks, &State::put_link)) return p;
  for (ProtoReader in(bytes); in.find(kAttributes);) {
    if (ProtoProblem p = values.put_attribute(rows, in.bytes(), Level::kAttribute)) return p;
  }
  rows.end_row(span.start);
  return {};
}

void OtlpTracesDecoder::State::take_scope(std::string_view body, Events& events) {
  rows.share(walk.shared());
  for (std::string_view item; walk.next_item(item);) {
    uint64_t number = ++events.received;
    if (!rows.begin_row()) {
      events.reject({number, Reason::kTooLarge, too_large_text(kItemName, number)});
      continue;
    }
    if (ProtoProblem p = take_span(item)) {
      rows.abandon_row();
      events.reject({number, Reason::kSyntax, describe(kItemName, number, p, body)});
    }
  }
}

Result<Events> OtlpTracesDecoder::State::decode(std::string_view body, const Intake& intake) {
  Events events;
  rows.begin_request();
  rows.select(batch_of(events.batches, kTracesDataset), intake);
  spans.find_keys(rows);
  for (walk.begin(body); walk.next_scope();) take_scope(body, events);
  if (walk.failed()) return walk.error();
  drop_empty(events.batches);
  return events;
}

OtlpTracesDecoder::OtlpTracesDecoder() : state_(std::make_unique<State>()) {}
OtlpTracesDecoder::~OtlpTracesDecoder() = default;

Result<Events> OtlpTracesDecoder::decode_protobuf(std::string_view body, const Intake& intake) {
  return state_->decode(body, intake);
}

Result<Events> OtlpTracesDecoder::decode_json(std::string_view body, const Intake& intake) {
  return decode_otlp_json(*state_, otlp_traces_schema(), body, intake);
}

}  // namespace clew::wire
