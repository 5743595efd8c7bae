#include "wire/zipkin.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/json_text.h"
#include "wire/json_to_proto.h"
#include "wire/keyed_rows.h"
#include "wire/otlp_walk.h"
#include "wire/protobuf.h"
#include "wire/span_rows.h"

namespace clew::wire {
namespace {

using enum JsonType;

constexpr std::string_view kItemName = "span";
constexpr size_t kMessagesMax = 5;
constexpr size_t kPartsMax = 1'000'000;  // of a span: tags and annotations
constexpr uint64_t kMicro = 1000;
constexpr uint64_t kMicrosMax = UINT64_MAX / kMicro;

// Field numbers of zipkin.proto3.Endpoint; the last one is ours, for addresses that JSON has as text.
constexpr uint32_t kServiceName = 1;
constexpr uint32_t kIpv4 = 2;
constexpr uint32_t kIpv6 = 3;
constexpr uint32_t kPort = 4;
constexpr uint32_t kAddressText = 100;

constexpr std::string_view kJsonKinds[] = {"", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"};
constexpr std::string_view kKinds[] = {"unspecified", "client", "server", "producer", "consumer"};

const JsonField kEndpointFields[] = {{"serviceName", kServiceName, kText},
                                     {"ipv4", kAddressText, kText},
                                     {"ipv6", kAddressText, kText},
                                     {"port", kPort, kUint32}};
const JsonMessage kEndpoint{kEndpointFields};
const JsonField kAnnotationFields[] = {{"timestamp", 1, kFixed64}, {"value", 2, kText}};
const JsonMessage kAnnotation{kAnnotationFields};
const JsonField kSpanFields[] = {
    {"traceId", 1, kHex},
    {"parentId", 2, kHex},
    {"id", 3, kHex},
    {"kind", 4, kEnum, false, nullptr, kJsonKinds},
    {"name", 5, kText},
    {"timestamp", 6, kFixed64},
    {"duration", 7, kInt64},
    {"localEndpoint", 8, kMessage, false, &kEndpoint},
    {"remoteEndpoint", 9, kMessage, false, &kEndpoint},
    {"annotations", 10, kMessage, true, &kAnnotation},
    {"tags", 11, kTextMap},
    {"debug", 12, kBool},
    {"shared", 13, kBool},
};
const JsonMessage kSpan{kSpanFields, kItemName};
const JsonField kSpans{"spans", 1, kMessage, true, &kSpan};

struct Endpoint {
  std::string_view service;
  std::string address;
  uint64_t port = 0;
};

struct Annotation {
  uint64_t micros = 0;
  std::string_view value;
};

struct Tag {
  std::string_view key;
  std::string_view value;
};

ProtoProblem malformed(const ProtoReader& in) { return {"malformed protobuf", in.position()}; }

std::string ipv4_text(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    if (!out.empty()) out.push_back('.');
    out += std::to_string(static_cast<unsigned char>(c));
  }
  return out;
}

// RFC 5952: the longest run of two or more zero groups is `::`.
std::string ipv6_text(std::string_view bytes) {
  constexpr size_t kGroups = 8;
  std::array<unsigned, kGroups> groups{};
  for (size_t i = 0; i < kGroups; ++i) {
    groups[i] = static_cast<unsigned>(static_cast<unsigned char>(bytes[2 * i])) << 8 |
                static_cast<unsigned char>(bytes[2 * i + 1]);
  }
  size_t best = kGroups;
  size_t best_length = 1;
  for (size_t i = 0; i < kGroups; ++i) {
    size_t n = 0;
    while (i + n < kGroups && groups[i + n] == 0) ++n;
    if (n > best_length) best = i, best_length = n;
  }
  std::string out;
  for (size_t i = 0; i < kGroups; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out.push_back(':');
    char digits[8];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, groups[i], 16).ptr);
  }
  return out;
}

ProtoProblem read_endpoint(std::string_view bytes, Endpoint& out) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(kServiceName, WireType::kBytes): out.service = in.bytes(); break;
      case proto_tag(kIpv4, WireType::kBytes): {
        std::string_view ip = in.bytes();
        if (ip.size() == 4) out.address = ipv4_text(ip);
        break;
      }
      case proto_tag(kIpv6, WireType::kBytes): {
        std::string_view ip = in.bytes();
        if (ip.size() == 16 && out.address.empty()) out.address = ipv6_text(ip);
        break;
      }
      case proto_tag(kPort, WireType::kVarint): out.port = in.varint(); break;
      case proto_tag(kAddressText, WireType::kBytes): {
        std::string_view text = in.bytes();
        if (out.address.empty()) out.address = text;
        break;
      }
      default: in.skip(tag);
    }
  }
  if (in.failed()) return malformed(in);
  return {};
}

ProtoProblem read_annotation(std::string_view bytes, Annotation& out) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(1, WireType::kFixed64))
      out.micros = in.fixed64();
    else if (tag == proto_tag(2, WireType::kBytes))
      out.value = in.bytes();
    else
      in.skip(tag);
  }
  if (in.failed()) return malformed(in);
  return {};
}

ProtoProblem read_tag(std::string_view bytes, Tag& out) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(1, WireType::kBytes))
      out.key = in.bytes();
    else if (tag == proto_tag(2, WireType::kBytes))
      out.value = in.bytes();
    else
      in.skip(tag);
  }
  if (in.failed()) return malformed(in);
  return {};
}

// Zipkin's ids are 64 or 128 bits wide; tracers may leave leading zeros out.
std::string padded_id(std::string_view id) {
  if (id.empty()) return {};
  size_t bytes = id.size() <= 8 ? 8 : 16;
  return id.size() >= bytes ? std::string(id) : std::string(bytes - id.size(), '\0') + std::string(id);
}

struct ZipkinSpan {
  std::string trace_id;
  std::string id;
  std::string parent_id;
  uint64_t kind = 0;
  std::string_view name;
  uint64_t micros = 0;
  uint64_t duration_micros = 0;
  bool debug = false;
  bool shared = false;
  Endpoint local;
  Endpoint remote;
  std::vector<Annotation> annotations;
  std::vector<Tag> tags;
};

ProtoProblem read_parts(uint32_t tag, ProtoReader& in, ZipkinSpan& span) {
  if (span.annotations.size() + span.tags.size() > kPartsMax)
    return {"more than 1,000,000 tags and annotations", in.position()};
  switch (tag) {
    case proto_tag(8, WireType::kBytes): return read_endpoint(in.bytes(), span.local);
    case proto_tag(9, WireType::kBytes): return read_endpoint(in.bytes(), span.remote);
    case proto_tag(10, WireType::kBytes): return read_annotation(in.bytes(), span.annotations.emplace_back());
    case proto_tag(11, WireType::kBytes): return read_tag(in.bytes(), span.tags.emplace_back());
    default: in.skip(tag); return {};
  }
}

ProtoProblem read_span(std::string_view bytes, ZipkinSpan& span) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kBytes): span.trace_id = padded_id(in.bytes()); break;
      case proto_tag(2, WireType::kBytes): span.parent_id = padded_id(in.bytes()); break;
      case proto_tag(3, WireType::kBytes): span.id = padded_id(in.bytes()); break;
      case proto_tag(4, WireType::kVarint): span.kind = in.varint(); break;
      case proto_tag(5, WireType::kBytes): span.name = in.bytes(); break;
      case proto_tag(6, WireType::kFixed64): span.micros = in.fixed64(); break;
      case proto_tag(7, WireType::kVarint): span.duration_micros = in.varint(); break;
      case proto_tag(12, WireType::kVarint): span.debug = in.varint() != 0; break;
      case proto_tag(13, WireType::kVarint): span.shared = in.varint() != 0; break;
      default:
        if (ProtoProblem p = read_parts(tag, in, span)) return p;
    }
  }
  if (in.failed()) return malformed(in);
  if (span.trace_id.empty() || span.id.empty()) return {"a span needs traceId and id", bytes.data()};
  if (span.micros > kMicrosMax || span.duration_micros > kMicrosMax) return {"a time that cannot be", bytes.data()};
  return {};
}

}  // namespace

struct ZipkinDecoder::State {
  KeyedRows rows;
  SpanRows spans;
  JsonToProto json;
  ObjectLists lists;

  Result<Events> decode(std::string_view body, const Intake& intake);
  ProtoProblem take_span(std::string_view bytes);
  void put_endpoints(const ZipkinSpan& span);
  void put_annotations(const ZipkinSpan& span);
  void put_number(std::string_view name, uint64_t v);
};

void ZipkinDecoder::State::put_number(std::string_view name, uint64_t v) {
  if (v == 0) return;
  rows.put(name, Level::kRecord,
           {.name = {}, .kind = model::Kind::kInt, .scale = 0, .lane = static_cast<int64_t>(v), .text = {}});
}

void ZipkinDecoder::State::put_endpoints(const ZipkinSpan& span) {
  auto text = [&](std::string_view name, std::string_view v) {
    if (!v.empty()) rows.put_string(name, Level::kRecord, v);
  };
  text("service.name", span.local.service);
  text("network.local.address", span.local.address);
  put_number("network.local.port", span.local.port);
  text("peer.service", span.remote.service);
  text("network.peer.address", span.remote.address);
  put_number("network.peer.port", span.remote.port);
}

void ZipkinDecoder::State::put_annotations(const ZipkinSpan& span) {
  if (span.annotations.empty()) return;
  lists.clear();
  for (const Annotation& a : span.annotations) {
    lists.begin_element();
    if (a.micros != 0 && a.micros <= kMicrosMax) append_time_json(a.micros * kMicro, lists.leaf("time"));
    model::append_json_string(a.value, lists.leaf("name"));
  }
  rows.put_lists("events.", Level::kRecord, lists);
}

ProtoProblem ZipkinDecoder::State::take_span(std::string_view bytes) {
  ZipkinSpan span;
  if (ProtoProblem p = read_span(bytes, span)) return p;
  auto error = std::find_if(span.tags.begin(), span.tags.end(), [](const Tag& t) { return t.key == "error"; });
  SpanFields fields;
  fields.trace_id = span.trace_id;
  fields.span_id = span.id;
  fields.parent_span_id = span.parent_id;
  fields.name = span.name;
  fields.kind = kKinds[span.kind < std::size(kKinds) ? span.kind : 0];
  fields.start = span.micros * kMicro;
  if (span.micros != 0 && span.duration_micros != 0 && span.duration_micros <= kMicrosMax - span.micros) {
    fields.end = (span.micros + span.duration_micros) * kMicro;
  }
  // An `error` tag makes a span failed, whatever it says.
  fields.status_code = error == span.tags.end() ? "unset" : "error";
  if (error != span.tags.end() && error->value != "true") fields.status_message = error->value;
  spans.put(rows, fields);
  // A span that another process will end has a duration and no start, or the other way round.
  if (fields.end == 0) put_number("duration_ns", span.duration_micros * kMicro);
  put_endpoints(span);
  if (span.shared)
    rows.put("shared", Level::kRecord, {.name = {}, .kind = model::Kind::kBool, .scale = 0, .lane = 1, .text = {}});
  if (span.debug)
    rows.put("debug", Level::kRecord, {.name = {}, .kind = model::Kind::kBool, .scale = 0, .lane = 1, .text = {}});
  put_annotations(span);
  for (const Tag& tag : span.tags) rows.put_string(tag.key, Level::kAttribute, tag.value);
  uint64_t first = span.annotations.empty() ? 0 : span.annotations.front().micros;
  rows.end_row(fields.start != 0 || first > kMicrosMax ? fields.start : first * kMicro);
  return {};
}

Result<Events> ZipkinDecoder::State::decode(std::string_view body, const Intake& intake) {
  Events events;
  rows.begin_request();
  rows.select(batch_of(events.batches, kTracesDataset), intake);
  rows.share({});
  spans.find_keys(rows);
  ProtoReader frames(body);
  while (uint32_t tag = frames.next()) frames.skip(tag);
  if (frames.failed()) {
    return Error(Code::kInvalid, "malformed protobuf at byte " + std::to_string(frames.position() - body.data()));
  }
  for (ProtoReader in(body); in.find(proto_tag(1, WireType::kBytes));) {
    std::string_view item = in.bytes();
    uint64_t number = ++events.received;
    if (!rows.begin_row()) {
      events.reject({number, Reason::kTooLarge, too_large_text(kItemName, number)});
    } else if (ProtoProblem p = take_span(item)) {
      rows.abandon_row();
      events.reject({number, Reason::kSyntax, std::string(kItemName) + " " + std::to_string(number) + ": " + p.text});
    }
  }
  drop_empty(events.batches);
  return events;
}

ZipkinDecoder::ZipkinDecoder() : state_(std::make_unique<State>()) {}
ZipkinDecoder::~ZipkinDecoder() = default;

Result<Events> ZipkinDecoder::decode_json(std::string_view body, const Intake& intake) {
  CLEW_TRY(state_->json.convert_array(body, kSpans));
  Events events = CLEW_TRY(state_->decode(state_->json.bytes(), intake));
  state_->json.add_rejections(events);
  state_->json.release();
  return events;
}

Result<Events> ZipkinDecoder::decode_protobuf(std::string_view body, const Intake& intake) {
  return state_->decode(body, intake);
}

std::string zipkin_reply(const Events& events) {
  if (events.rejected == 0) return "";
  std::string out = std::to_string(events.rejected) + " of " + std::to_string(events.received) + " spans rejected\n";
  for (size_t i = 0; i < events.rejections.size() && i < kMessagesMax; ++i) out += events.rejections[i].message + "\n";
  return out;
}

}  // namespace clew::wire
