// Jaeger's spans out of the JSON that its UI saves and its query API gives.
#include <bit>
#include <charconv>
#include <unordered_map>

#include "wire/jaeger_span.h"

namespace clew::wire::jaeger {
namespace {

using enum JsonType;

constexpr size_t kShortDigits = 16;
constexpr size_t kLongDigits = 32;

// The numbers are ours: Jaeger has no protobuf of this shape.
const JsonField kTagFields[] = {{"key", 1, kText}, {"type", 2, kText}, {"value", 3, kText}};
const JsonMessage kTag{kTagFields};
const JsonField kReferenceFields[] = {{"refType", 1, kText}, {"traceID", 2, kText}, {"spanID", 3, kText}};
const JsonMessage kReference{kReferenceFields};
const JsonField kLogFields[] = {{"timestamp", 1, kInt64}, {"fields", 2, kMessage, true, &kTag}};
const JsonMessage kLog{kLogFields};
const JsonField kProcessFields[] = {{"serviceName", 1, kText}, {"tags", 2, kMessage, true, &kTag}};
const JsonMessage kProcess{kProcessFields};
const JsonField kSpanFields[] = {
    {"traceID", 1, kText},
    {"spanID", 2, kText},
    {"parentSpanID", 3, kText},
    {"operationName", 4, kText},
    {"references", 5, kMessage, true, &kReference},
    {"flags", 6, kInt64},
    {"startTime", 7, kInt64},
    {"duration", 8, kInt64},
    {"tags", 9, kMessage, true, &kTag},
    {"logs", 10, kMessage, true, &kLog},
    {"processID", 11, kText},
    {"process", 12, kMessage, false, &kProcess},
};
const JsonMessage kSpan{kSpanFields, "span"};
const JsonField kTraceFields[] = {{"spans", 1, kMessage, true, &kSpan},
                                  {"processes", 2, kMessageMap, false, &kProcess}};
const JsonMessage kTrace{kTraceFields};
// A file is an answer of the API, which holds traces, or a single trace.
const JsonField kFileFields[] = {{"spans", 1, kMessage, true, &kSpan},
                                 {"processes", 2, kMessageMap, false, &kProcess},
                                 {"data", 3, kMessage, true, &kTrace, {}, OneOrMany::kYes}};
const JsonMessage kFile{kFileFields};
const JsonField kTraces{"data", 3, kMessage, true, &kTrace};  // a list of traces

using Processes = std::unordered_map<std::string_view, Process>;

// As ids are kept: digits in lower case with their leading zeros. Ids that are no digits stay as they are, zeros mean
// that there is none.
std::string id_text(std::string_view id) {
  bool digits = id.size() <= kLongDigits && id.find_first_not_of("0123456789abcdefABCDEF") == id.npos;
  if (!digits) return std::string(id);
  if (id.find_first_not_of('0') == id.npos) return {};
  std::string out((id.size() <= kShortDigits ? kShortDigits : kLongDigits) - id.size(), '0');
  for (char c : id) out.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
  return out;
}

// A value of the type that the tag names; a text where it is none of that type.
void set_value(std::string_view type, std::string_view value, Tag& tag) {
  const char* end = value.data() + value.size();
  tag.text = value;
  if (type == "bool" && (value == "true" || value == "false")) {
    tag.kind = model::Kind::kBool;
    tag.lane = value == "true" ? 1 : 0;
  } else if (type == "int64") {
    auto [last, error] = std::from_chars(value.data(), end, tag.lane);
    if (error == std::errc() && last == end) tag.kind = model::Kind::kInt;
  } else if (type == "float64") {
    double real = 0;
    auto [last, error] = std::from_chars(value.data(), end, real);
    if (error == std::errc() && last == end) {
      tag.kind = model::Kind::kFloat;
      tag.lane = std::bit_cast<int64_t>(real);
    }
  }
}

Tag read_tag(std::string_view bytes) {
  ProtoReader in(bytes);
  Tag tag;
  std::string_view type;
  std::string_view value;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): tag.key = in.bytes(); break;
      case proto_tag(2, WireType::kBytes): type = in.bytes(); break;
      case proto_tag(3, WireType::kBytes): value = in.bytes(); break;
      default: in.skip(t);
    }
  }
  set_value(type, value, tag);
  return tag;
}

Reference read_reference(std::string_view bytes) {
  ProtoReader in(bytes);
  Reference out;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): out.child_of = in.bytes() != "FOLLOWS_FROM"; break;
      case proto_tag(2, WireType::kBytes): out.trace_id = id_text(in.bytes()); break;
      case proto_tag(3, WireType::kBytes): out.span_id = id_text(in.bytes()); break;
      default: in.skip(t);
    }
  }
  return out;
}

Log read_log(std::string_view bytes, Reading& reading) {
  ProtoReader in(bytes);
  Log out;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kVarint): out.nanos = nanos_of_micros(static_cast<int64_t>(in.varint())); break;
      case proto_tag(2, WireType::kBytes): reading.add(out.fields, read_tag(in.bytes())); break;
      default: in.skip(t);
    }
  }
  return out;
}

Process read_process(std::string_view bytes, Reading& reading) {
  ProtoReader in(bytes);
  Process out;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): out.service = in.bytes(); break;
      case proto_tag(2, WireType::kBytes): reading.add(out.tags, read_tag(in.bytes())); break;
      default: in.skip(t);
    }
  }
  return out;
}

// A span's own process, as the UI keeps it, goes before the one that it names.
Span read_span(std::string_view bytes, Reading& reading, std::string_view& process) {
  ProtoReader in(bytes);
  reading.begin_span();
  Span span;
  while (uint32_t t = in.next()) {
    switch (t) {
      case proto_tag(1, WireType::kBytes): span.trace_id = id_text(in.bytes()); break;
      case proto_tag(2, WireType::kBytes): span.span_id = id_text(in.bytes()); break;
      case proto_tag(3, WireType::kBytes): span.parent_id = id_text(in.bytes()); break;
      case proto_tag(4, WireType::kBytes): span.name = in.bytes(); break;
      case proto_tag(5, WireType::kBytes): reading.add(span.references, read_reference(in.bytes())); break;
      case proto_tag(6, WireType::kVarint): span.flags = in.varint(); break;
      case proto_tag(7, WireType::kVarint): span.start = nanos_of_micros(static_cast<int64_t>(in.varint())); break;
      case proto_tag(8, WireType::kVarint): span.duration = nanos_of_micros(static_cast<int64_t>(in.varint())); break;
      case proto_tag(9, WireType::kBytes): reading.add(span.tags, read_tag(in.bytes())); break;
      case proto_tag(10, WireType::kBytes): reading.add(span.logs, read_log(in.bytes(), reading)); break;
      case proto_tag(11, WireType::kBytes): process = in.bytes(); break;
      case proto_tag(12, WireType::kBytes): span.own_process = read_process(in.bytes(), reading); break;
      default: in.skip(t);
    }
  }
  span.is_cut = reading.is_cut;
  return span;
}

// The processes of a trace stand behind its spans.
Result<Processes> read_processes(std::string_view trace) {
  Processes out;
  Reading reading;
  for (ProtoReader in(trace); in.find(proto_tag(2, WireType::kBytes));) {
    ProtoReader entry(in.bytes());
    std::string_view key;
    Process process;
    while (uint32_t t = entry.next()) {
      if (t == proto_tag(1, WireType::kBytes))
        key = entry.bytes();
      else if (t == proto_tag(2, WireType::kBytes))
        process = read_process(entry.bytes(), reading);
      else
        entry.skip(t);
    }
    if (out.size() == kProcessesMax) return Error(Code::kTooLarge, "a trace of more than 100,000 processes");
    out[key] = std::move(process);
  }
  return out;
}

Status read_trace(std::string_view trace, const TakeSpan& take) {
  Processes processes = CLEW_TRY(read_processes(trace));
  const Process none;
  Reading reading;
  for (ProtoReader in(trace); in.find(proto_tag(1, WireType::kBytes));) {
    std::string_view name;
    Span span = read_span(in.bytes(), reading, name);
    auto named = processes.find(name);
    span.process = named == processes.end() ? &none : &named->second;
    take(span);
  }
  return {};
}

}  // namespace

Status read_json(std::string_view json, JsonToProto& converter, const TakeSpan& take) {
  size_t first = json.find_first_not_of(" \t\r\n");
  if (first != json.npos && json[first] == '[') {
    CLEW_TRY(converter.convert_array(json, kTraces));
  } else {
    CLEW_TRY(converter.convert(json, kFile));
  }
  CLEW_TRY(read_trace(converter.bytes(), take));
  for (ProtoReader in(converter.bytes()); in.find(proto_tag(3, WireType::kBytes));) {
    CLEW_TRY(read_trace(in.bytes(), take));
  }
  return {};
}

}  // namespace clew::wire::jaeger
