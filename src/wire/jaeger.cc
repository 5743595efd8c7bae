#include "wire/jaeger.h"

#include <algorithm>
#include <string>
#include <vector>

#include "model/json_text.h"
#include "wire/keyed_rows.h"
#include "wire/otlp_walk.h"
#include "wire/protobuf.h"
#include "wire/span_rows.h"

namespace clew::wire {
namespace {

constexpr std::string_view kItemName = "span";
constexpr uint64_t kMicro = 1000;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMicrosMax = INT64_MAX / kMicro;

struct Tag {
  std::string_view key;
  model::Kind kind = model::Kind::kString;  // kString kBool kInt kFloat kBytes
  std::string_view text;
  int64_t lane = 0;  // of kInt, kBool; of kFloat its bits
};

struct Reference {
  std::string trace_id;
  std::string span_id;
  bool child_of = true;
};

struct Log {
  uint64_t nanos = 0;
  std::vector<Tag> fields;
};

struct Process {
  std::string_view service;
  std::vector<Tag> tags;
};

struct JaegerSpan {
  std::string trace_id;  // bytes
  std::string span_id;
  std::string parent_id;
  std::string_view name;
  uint64_t flags = 0;
  uint64_t start = 0;  // ns
  uint64_t duration = 0;
  std::vector<Reference> references;
  std::vector<Tag> tags;
  std::vector<Log> logs;
  Process own_process;  // protobuf: a span may bring its own

  std::string_view tag_text(std::string_view key) const {
    auto it = std::find_if(tags.begin(), tags.end(), [&](const Tag& t) { return t.key == key; });
    return it == tags.end() ? std::string_view() : it->text;
  }
};

struct Batch {
  Process process;
  std::vector<JaegerSpan> spans;
};

void append_big_endian(uint64_t v, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift & 0xff));
}

std::string trace_bytes(uint64_t high, uint64_t low) {
  std::string out;
  if (high == 0 && low == 0) return out;
  append_big_endian(high, out);
  append_big_endian(low, out);
  return out;
}

std::string span_bytes(uint64_t id) {
  std::string out;
  if (id != 0) append_big_endian(id, out);
  return out;
}

// Zeros mean that there is none.
std::string id_bytes(std::string_view bytes) {
  bool zeros = bytes.find_first_not_of('\0') == bytes.npos;
  return zeros ? std::string() : std::string(bytes);
}

uint64_t nanos_of_micros(int64_t micros) {
  return micros > 0 && static_cast<uint64_t>(micros) <= kMicrosMax ? static_cast<uint64_t>(micros) * kMicro : 0;
}

// --- Thrift ----------------------------------------------------------------------------------------------------------

Tag read_tag(ThriftReader& in) {
  Tag tag;
  int64_t type = 0;
  double real = 0;
  bool boolean = false;
  int64_t integer = 0;
  std::string_view binary;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: tag.key = in.text(); break;
      case 2: type = in.integer(); break;
      case 3: tag.text = in.text(); break;
      case 4: real = in.real(); break;
      case 5: boolean = in.boolean(); break;
      case 6: integer = in.integer(); break;
      case 7: binary = in.text(); break;
      default: in.skip_field();
    }
  }
  constexpr model::Kind kKinds[] = {model::Kind::kString, model::Kind::kFloat, model::Kind::kBool, model::Kind::kInt,
                                    model::Kind::kBytes};
  if (type > 0 && type < 5) tag.kind = kKinds[type];
  if (type == 1) tag.lane = std::bit_cast<int64_t>(real);
  if (type == 2) tag.lane = boolean ? 1 : 0;
  if (type == 3) tag.lane = integer;
  if (type == 4) tag.text = binary;
  return tag;
}

void read_tags(ThriftReader& in, std::vector<Tag>& out) {
  uint32_t count = in.structs();
  for (uint32_t i = 0; i < count && !in.failed(); ++i) out.push_back(read_tag(in));
}

Reference read_reference(ThriftReader& in) {
  Reference out;
  uint64_t low = 0;
  uint64_t high = 0;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: out.child_of = in.integer() == 0; break;
      case 2: low = static_cast<uint64_t>(in.integer()); break;
      case 3: high = static_cast<uint64_t>(in.integer()); break;
      case 4: out.span_id = span_bytes(static_cast<uint64_t>(in.integer())); break;
      default: in.skip_field();
    }
  }
  out.trace_id = trace_bytes(high, low);
  return out;
}

Log read_log(ThriftReader& in) {
  Log log;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: log.nanos = nanos_of_micros(in.integer()); break;
      case 2: read_tags(in, log.fields); break;
      default: in.skip_field();
    }
  }
  return log;
}

JaegerSpan read_span(ThriftReader& in) {
  JaegerSpan span;
  uint64_t low = 0;
  uint64_t high = 0;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: low = static_cast<uint64_t>(in.integer()); break;
      case 2: high = static_cast<uint64_t>(in.integer()); break;
      case 3: span.span_id = span_bytes(static_cast<uint64_t>(in.integer())); break;
      case 4: span.parent_id = span_bytes(static_cast<uint64_t>(in.integer())); break;
      case 5: span.name = in.text(); break;
      case 6: {
        uint32_t count = in.structs();
        for (uint32_t i = 0; i < count && !in.failed(); ++i) span.references.push_back(read_reference(in));
        break;
      }
      case 7: span.flags = static_cast<uint64_t>(in.integer()); break;
      case 8: span.start = nanos_of_micros(in.integer()); break;
      case 9: span.duration = nanos_of_micros(in.integer()); break;
      case 10: read_tags(in, span.tags); break;
      case 11: {
        uint32_t count = in.structs();
        for (uint32_t i = 0; i < count && !in.failed(); ++i) span.logs.push_back(read_log(in));
        break;
      }
      default: in.skip_field();
    }
  }
  span.trace_id = trace_bytes(high, low);
  return span;
}

// The struct has been begun.
void read_batch(ThriftReader& in, Batch& batch) {
  while (in.next_field()) {
    if (in.field() == 1) {
      if (!in.structure()) continue;
      while (in.next_field()) {
        switch (in.field()) {
          case 1: batch.process.service = in.text(); break;
          case 2: read_tags(in, batch.process.tags); break;
          default: in.skip_field();
        }
      }
    } else if (in.field() == 2) {
      uint32_t count = in.structs();
      for (uint32_t i = 0; i < count && !in.failed(); ++i) batch.spans.push_back(read_span(in));
    } else {
      in.skip_field();
    }
  }
}

// --- protobuf --------------------------------------------------------------------------------------------------------

// Seconds and nanoseconds of a Timestamp or Duration.
uint64_t read_nanos(ProtoReader& parent) {
  ProtoReader in(parent.bytes());
  uint64_t seconds = 0;
  uint64_t nanos = 0;
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(1, WireType::kVarint))
      seconds = in.varint();
    else if (tag == proto_tag(2, WireType::kVarint))
      nanos = in.varint();
    else
      in.skip(tag);
  }
  return seconds <= INT64_MAX / kSecond - 1 && nanos < kSecond ? seconds * kSecond + nanos : 0;
}

Tag read_tag(ProtoReader& parent, bool& bad) {
  ProtoReader in(parent.bytes());
  Tag tag;
  uint64_t type = 0;
  uint64_t boolean = 0;
  uint64_t integer = 0;
  double real = 0;
  std::string_view binary;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): tag.key = in.bytes(); break;
      case proto_tag(2, WireType::kVarint): type = in.varint(); break;
      case proto_tag(3, WireType::kBytes): tag.text = in.bytes(); break;
      case proto_tag(4, WireType::kVarint): boolean = in.varint(); break;
      case proto_tag(5, WireType::kVarint): integer = in.varint(); break;
      case proto_tag(6, WireType::kFixed64): real = in.real(); break;
      case proto_tag(7, WireType::kBytes): binary = in.bytes(); break;
      default: in.skip(t);
    }
  }
  bad = bad || in.failed();
  constexpr model::Kind kKinds[] = {model::Kind::kString, model::Kind::kBool, model::Kind::kInt, model::Kind::kFloat,
                                    model::Kind::kBytes};
  if (type > 0 && type < 5) tag.kind = kKinds[type];
  if (type == 1) tag.lane = boolean != 0 ? 1 : 0;
  if (type == 2) tag.lane = static_cast<int64_t>(integer);
  if (type == 3) tag.lane = std::bit_cast<int64_t>(real);
  if (type == 4) tag.text = binary;
  return tag;
}

Process read_process(ProtoReader& parent, bool& bad) {
  ProtoReader in(parent.bytes());
  Process process;
  while (uint32_t t = in.next()) {
    if (t == proto_tag(1, WireType::kBytes))
      process.service = in.bytes();
    else if (t == proto_tag(2, WireType::kBytes))
      process.tags.push_back(read_tag(in, bad));
    else
      in.skip(t);
  }
  bad = bad || in.failed();
  return process;
}

Log read_log(ProtoReader& parent, bool& bad) {
  ProtoReader in(parent.bytes());
  Log log;
  while (uint32_t t = in.next()) {
    if (t == proto_tag(1, WireType::kBytes))
      log.nanos = read_nanos(in);
    else if (t == proto_tag(2, WireType::kBytes))
      log.fields.push_back(read_tag(in, bad));
    else
      in.skip(t);
  }
  bad = bad || in.failed();
  return log;
}

Reference read_reference(ProtoReader& parent, bool& bad) {
  ProtoReader in(parent.bytes());
  Reference out;
  while (uint32_t t = in.next()) {
    if (t == proto_tag(1, WireType::kBytes))
      out.trace_id = id_bytes(in.bytes());
    else if (t == proto_tag(2, WireType::kBytes))
      out.span_id = id_bytes(in.bytes());
    else if (t == proto_tag(3, WireType::kVarint))
      out.child_of = in.varint() == 0;
    else
      in.skip(t);
  }
  bad = bad || in.failed();
  return out;
}

JaegerSpan read_span(ProtoReader& parent, bool& bad) {
  ProtoReader in(parent.bytes());
  JaegerSpan span;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): span.trace_id = id_bytes(in.bytes()); break;
      case proto_tag(2, WireType::kBytes): span.span_id = id_bytes(in.bytes()); break;
      case proto_tag(3, WireType::kBytes): span.name = in.bytes(); break;
      case proto_tag(4, WireType::kBytes): span.references.push_back(read_reference(in, bad)); break;
      case proto_tag(5, WireType::kVarint): span.flags = in.varint(); break;
      case proto_tag(6, WireType::kBytes): span.start = read_nanos(in); break;
      case proto_tag(7, WireType::kBytes): span.duration = read_nanos(in); break;
      case proto_tag(8, WireType::kBytes): span.tags.push_back(read_tag(in, bad)); break;
      case proto_tag(9, WireType::kBytes): span.logs.push_back(read_log(in, bad)); break;
      case proto_tag(10, WireType::kBytes): span.own_process = read_process(in, bad); break;
      default: in.skip(t);
    }
  }
  bad = bad || in.failed();
  return span;
}

}  // namespace

struct JaegerDecoder::State {
  KeyedRows rows;
  SpanRows spans;
  ObjectLists lists;
  std::string hex;

  Events put(const Batch& batch, const Intake& intake);
  void put_span(const JaegerSpan& span, const Process& process);
  void put_tag(const Tag& tag, Level level);
  void put_logs(const JaegerSpan& span);
  void put_links(const JaegerSpan& span, const Reference* parent);
  void put_leaf(std::string_view name, const Tag& tag);
};

void JaegerDecoder::State::put_tag(const Tag& tag, Level level) {
  if (tag.key.empty()) return;
  if (tag.kind == model::Kind::kString) return rows.put_string(tag.key, level, tag.text);
  if (tag.kind == model::Kind::kFloat) return rows.put_double(tag.key, level, std::bit_cast<double>(tag.lane));
  rows.put(tag.key, level, {.name = {}, .kind = tag.kind, .scale = 0, .lane = tag.lane, .text = tag.text});
}

void JaegerDecoder::State::put_leaf(std::string_view name, const Tag& tag) {
  model::append_json_value({.name = {}, .kind = tag.kind, .scale = 0, .lane = tag.lane, .text = tag.text},
                           lists.leaf(name));
}

void JaegerDecoder::State::put_logs(const JaegerSpan& span) {
  if (span.logs.empty()) return;
  lists.clear();
  for (const Log& log : span.logs) {
    lists.begin_element();
    for (const Tag& field : log.fields) {
      if (field.key != "event" && field.key != "name" && field.key != "time") put_leaf(field.key, field);
    }
    if (log.nanos != 0) append_time_json(log.nanos, lists.leaf("time"));
    auto event = std::find_if(log.fields.begin(), log.fields.end(), [](const Tag& t) { return t.key == "event"; });
    if (event != log.fields.end()) put_leaf("name", *event);
  }
  rows.put_lists("events.", Level::kRecord, lists);
}

void JaegerDecoder::State::put_links(const JaegerSpan& span, const Reference* parent) {
  lists.clear();
  for (const Reference& r : span.references) {
    if (&r == parent) continue;
    lists.begin_element();
    model::append_json_string(hex_id(r.trace_id, hex), lists.leaf("trace_id"));
    model::append_json_string(hex_id(r.span_id, hex), lists.leaf("span_id"));
  }
  if (lists.elements() != 0) rows.put_lists("links.", Level::kRecord, lists);
}

void JaegerDecoder::State::put_span(const JaegerSpan& span, const Process& process) {
  // The first reference to a span of the same trace is the parent, where no field says it.
  auto parent = std::find_if(span.references.begin(), span.references.end(),
                             [&](const Reference& r) { return r.child_of && r.trace_id == span.trace_id; });
  if (parent == span.references.end()) {
    parent = std::find_if(span.references.begin(), span.references.end(),
                          [&](const Reference& r) { return r.trace_id == span.trace_id; });
  }
  const Reference* named = parent == span.references.end() ? nullptr : &*parent;
  auto error = std::find_if(span.tags.begin(), span.tags.end(), [](const Tag& t) { return t.key == "error"; });
  bool failed =
      error != span.tags.end() && (error->kind == model::Kind::kBool ? error->lane != 0 : error->text != "false");
  std::string_view code = span.tag_text("otel.status_code");
  SpanFields fields;
  fields.trace_id = span.trace_id;
  fields.span_id = span.span_id;
  fields.parent_span_id = !span.parent_id.empty() ? std::string_view(span.parent_id)
                          : named != nullptr      ? std::string_view(named->span_id)
                                                  : std::string_view();
  fields.name = span.name;
  fields.kind = span.tag_text("span.kind").empty() ? std::string_view("unspecified") : span.tag_text("span.kind");
  fields.status_code = failed || code == "ERROR" ? "error" : code == "OK" ? "ok" : "unset";
  fields.status_message = span.tag_text("otel.status_description");
  fields.start = span.start;
  fields.end = span.start == 0 ? 0 : span.start + span.duration;
  fields.flags = span.flags;
  spans.put(rows, fields);
  if (!process.service.empty()) rows.put_string("service.name", Level::kRecord, process.service);
  put_logs(span);
  put_links(span, named);
  for (const Tag& tag : span.tags) {
    bool told = tag.key == "span.kind" || tag.key == "otel.status_code" || tag.key == "otel.status_description";
    if (told) continue;
    if (tag.key == "otel.library.name" || tag.key == "otel.scope.name")
      rows.put_string("scope.name", Level::kRecord, tag.text);
    else if (tag.key == "otel.library.version" || tag.key == "otel.scope.version")
      rows.put_string("scope.version", Level::kRecord, tag.text);
    else
      put_tag(tag, Level::kAttribute);
  }
  for (const Tag& tag : process.tags) put_tag(tag, Level::kResource);
  rows.end_row(span.start);
}

Events JaegerDecoder::State::put(const Batch& batch, const Intake& intake) {
  Events events;
  rows.begin_request();
  rows.select(batch_of(events.batches, kTracesDataset), intake);
  rows.share({});
  spans.find_keys(rows);
  for (const JaegerSpan& span : batch.spans) {
    uint64_t number = ++events.received;
    if (span.trace_id.empty() || span.span_id.empty()) {
      events.reject(
          {number, Reason::kSyntax,
           std::string(kItemName) + " " + std::to_string(number) + ": a span needs a trace id and a span id"});
    } else if (!rows.begin_row()) {
      events.reject({number, Reason::kTooLarge, too_large_text(kItemName, number)});
    } else {
      put_span(span, span.own_process.service.empty() ? batch.process : span.own_process);
    }
  }
  drop_empty(events.batches);
  return events;
}

JaegerDecoder::JaegerDecoder() : state_(std::make_unique<State>()) {}
JaegerDecoder::~JaegerDecoder() = default;

Result<Events> JaegerDecoder::decode_batch(std::string_view body, ThriftForm form, const Intake& intake) {
  ThriftReader in(body, form);
  Batch batch;
  in.begin_struct();
  read_batch(in, batch);
  if (in.failed()) return Error(Code::kInvalid, "malformed thrift at byte " + std::to_string(in.position()));
  return state_->put(batch, intake);
}

Result<Events> JaegerDecoder::decode_packet(std::string_view packet, const Intake& intake) {
  bool compact = !packet.empty() && static_cast<uint8_t>(packet.front()) == 0x82;
  ThriftReader in(packet, compact ? ThriftForm::kCompact : ThriftForm::kBinary);
  std::string_view call = in.message();
  if (!in.failed() && call != "emitBatch") return Error(Code::kUnsupported, "the call " + clew::quoted(call));
  Batch batch;
  in.begin_struct();
  while (in.next_field()) {
    if (in.field() == 1 && in.structure())
      read_batch(in, batch);
    else if (in.field() != 1)
      in.skip_field();
  }
  if (in.failed()) return Error(Code::kInvalid, "malformed thrift at byte " + std::to_string(in.position()));
  return state_->put(batch, intake);
}

Result<Events> JaegerDecoder::decode_protobuf(std::string_view body, const Intake& intake) {
  Batch batch;
  bool bad = false;
  ProtoReader request(body);
  while (uint32_t tag = request.next()) {
    if (tag != proto_tag(1, WireType::kBytes)) {
      request.skip(tag);
      continue;
    }
    ProtoReader in(request.bytes());
    while (uint32_t t = in.next()) {
      if (t == proto_tag(1, WireType::kBytes))
        batch.spans.push_back(read_span(in, bad));
      else if (t == proto_tag(2, WireType::kBytes))
        batch.process = read_process(in, bad);
      else
        in.skip(t);
    }
    bad = bad || in.failed();
  }
  if (bad || request.failed()) return Error(Code::kInvalid, "malformed protobuf");
  return state_->put(batch, intake);
}

}  // namespace clew::wire
