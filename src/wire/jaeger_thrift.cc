// Jaeger's spans out of Thrift.
#include <bit>

#include "wire/jaeger_span.h"

namespace clew::wire::jaeger {
namespace {

void append_digits(uint64_t v, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[v >> shift & 0xf]);
}

std::string trace_digits(uint64_t high, uint64_t low) {
  std::string out;
  if (high == 0 && low == 0) return out;
  append_digits(high, out);
  append_digits(low, out);
  return out;
}

std::string span_digits(uint64_t id) {
  std::string out;
  if (id != 0) append_digits(id, out);
  return out;
}

Tag read_tag(ThriftReader& in, Reading&) {
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

// The list of structs at hand, each read by `read_one`.
template <class T>
void read_list(ThriftReader& in, Reading& reading, T (*read_one)(ThriftReader&, Reading&), std::vector<T>& out) {
  uint32_t count = in.structs();
  for (uint32_t i = 0; i < count && !in.failed(); ++i) reading.add(out, read_one(in, reading));
}

Reference read_reference(ThriftReader& in, Reading&) {
  Reference out;
  uint64_t low = 0;
  uint64_t high = 0;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: out.child_of = in.integer() == 0; break;
      case 2: low = static_cast<uint64_t>(in.integer()); break;
      case 3: high = static_cast<uint64_t>(in.integer()); break;
      case 4: out.span_id = span_digits(static_cast<uint64_t>(in.integer())); break;
      default: in.skip_field();
    }
  }
  out.trace_id = trace_digits(high, low);
  return out;
}

Log read_log(ThriftReader& in, Reading& reading) {
  Log log;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: log.nanos = nanos_of_micros(in.integer()); break;
      case 2: read_list(in, reading, read_tag, log.fields); break;
      default: in.skip_field();
    }
  }
  return log;
}

Span read_span(ThriftReader& in, Reading& reading) {
  reading.begin_span();
  Span span;
  uint64_t low = 0;
  uint64_t high = 0;
  in.begin_struct();
  while (in.next_field()) {
    switch (in.field()) {
      case 1: low = static_cast<uint64_t>(in.integer()); break;
      case 2: high = static_cast<uint64_t>(in.integer()); break;
      case 3: span.span_id = span_digits(static_cast<uint64_t>(in.integer())); break;
      case 4: span.parent_id = span_digits(static_cast<uint64_t>(in.integer())); break;
      case 5: span.name = in.text(); break;
      case 6: read_list(in, reading, read_reference, span.references); break;
      case 7: span.flags = static_cast<uint64_t>(in.integer()); break;
      case 8: span.start = nanos_of_micros(in.integer()); break;
      case 9: span.duration = nanos_of_micros(in.integer()); break;
      case 10: read_list(in, reading, read_tag, span.tags); break;
      case 11: read_list(in, reading, read_log, span.logs); break;
      default: in.skip_field();
    }
  }
  span.trace_id = trace_digits(high, low);
  span.is_cut = reading.is_cut;
  return span;
}

// The process of a batch whose struct has been begun; it may stand behind the spans.
Process process_of(ThriftReader in) {
  Process process;
  Reading reading;
  while (in.next_field()) {
    if (in.field() != 1) {
      in.skip_field();
      continue;
    }
    if (!in.structure()) break;
    while (in.next_field()) {
      switch (in.field()) {
        case 1: process.service = in.text(); break;
        case 2: read_list(in, reading, read_tag, process.tags); break;
        default: in.skip_field();
      }
    }
    break;
  }
  return process;
}

}  // namespace

void read_batch(ThriftReader& in, const TakeSpan& take) {
  Process process = process_of(in);
  Reading reading;
  while (in.next_field()) {
    if (in.field() != 2) {
      in.skip_field();
      continue;
    }
    uint32_t count = in.structs();
    for (uint32_t i = 0; i < count; ++i) {
      Span span = read_span(in, reading);
      if (in.failed()) return;
      span.process = &process;
      take(span);
    }
  }
}

}  // namespace clew::wire::jaeger
