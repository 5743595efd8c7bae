// Jaeger's spans out of protobuf.
#include <bit>

#include "wire/jaeger_span.h"
#include "wire/otlp_walk.h"

namespace clew::wire::jaeger {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

std::string id_digits(std::string_view bytes) {
  std::string buffer;
  return std::string(hex_id(bytes, buffer));
}

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

Tag read_tag(ProtoReader& parent, Reading& reading) {
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
  reading.bad = reading.bad || in.failed();
  constexpr model::Kind kKinds[] = {model::Kind::kString, model::Kind::kBool, model::Kind::kInt, model::Kind::kFloat,
                                    model::Kind::kBytes};
  if (type > 0 && type < 5) tag.kind = kKinds[type];
  if (type == 1) tag.lane = boolean != 0 ? 1 : 0;
  if (type == 2) tag.lane = static_cast<int64_t>(integer);
  if (type == 3) tag.lane = std::bit_cast<int64_t>(real);
  if (type == 4) tag.text = binary;
  return tag;
}

Process read_process(ProtoReader& parent, Reading& reading) {
  ProtoReader in(parent.bytes());
  Process process;
  while (uint32_t t = in.next()) {
    if (t == proto_tag(1, WireType::kBytes))
      process.service = in.bytes();
    else if (t == proto_tag(2, WireType::kBytes))
      reading.add(process.tags, read_tag(in, reading));
    else
      in.skip(t);
  }
  reading.bad = reading.bad || in.failed();
  return process;
}

Log read_log(ProtoReader& parent, Reading& reading) {
  ProtoReader in(parent.bytes());
  Log log;
  while (uint32_t t = in.next()) {
    if (t == proto_tag(1, WireType::kBytes))
      log.nanos = read_nanos(in);
    else if (t == proto_tag(2, WireType::kBytes))
      reading.add(log.fields, read_tag(in, reading));
    else
      in.skip(t);
  }
  reading.bad = reading.bad || in.failed();
  return log;
}

Reference read_reference(ProtoReader& parent, Reading& reading) {
  ProtoReader in(parent.bytes());
  Reference out;
  while (uint32_t t = in.next()) {
    if (t == proto_tag(1, WireType::kBytes))
      out.trace_id = id_digits(in.bytes());
    else if (t == proto_tag(2, WireType::kBytes))
      out.span_id = id_digits(in.bytes());
    else if (t == proto_tag(3, WireType::kVarint))
      out.child_of = in.varint() == 0;
    else
      in.skip(t);
  }
  reading.bad = reading.bad || in.failed();
  return out;
}

Span read_span(ProtoReader& parent, Reading& reading) {
  ProtoReader in(parent.bytes());
  reading.begin_span();
  Span span;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): span.trace_id = id_digits(in.bytes()); break;
      case proto_tag(2, WireType::kBytes): span.span_id = id_digits(in.bytes()); break;
      case proto_tag(3, WireType::kBytes): span.name = in.bytes(); break;
      case proto_tag(4, WireType::kBytes): reading.add(span.references, read_reference(in, reading)); break;
      case proto_tag(5, WireType::kVarint): span.flags = in.varint(); break;
      case proto_tag(6, WireType::kBytes): span.start = read_nanos(in); break;
      case proto_tag(7, WireType::kBytes): span.duration = read_nanos(in); break;
      case proto_tag(8, WireType::kBytes): reading.add(span.tags, read_tag(in, reading)); break;
      case proto_tag(9, WireType::kBytes): reading.add(span.logs, read_log(in, reading)); break;
      case proto_tag(10, WireType::kBytes): span.own_process = read_process(in, reading); break;
      default: in.skip(t);
    }
  }
  reading.bad = reading.bad || in.failed();
  span.is_cut = reading.is_cut;
  return span;
}

// The process stands behind the spans.
Process process_of(std::string_view batch, Reading& reading) {
  Process process;
  for (ProtoReader in(batch); in.find(proto_tag(2, WireType::kBytes));) process = read_process(in, reading);
  return process;
}

void read_batch(std::string_view bytes, const TakeSpan& take, Reading& reading) {
  Process process = process_of(bytes, reading);
  ProtoReader in(bytes);
  while (in.find(proto_tag(1, WireType::kBytes))) {
    Span span = read_span(in, reading);
    span.process = &process;
    take(span);
  }
  reading.bad = reading.bad || in.failed();
}

}  // namespace

bool read_post_spans(std::string_view request, const TakeSpan& take) {
  ProtoReader in(request);
  Reading reading;
  while (in.find(proto_tag(1, WireType::kBytes))) read_batch(in.bytes(), take, reading);
  return !reading.bad && !in.failed();
}

}  // namespace clew::wire::jaeger
