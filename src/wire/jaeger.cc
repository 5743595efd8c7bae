#include "wire/jaeger.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "model/json_text.h"
#include "wire/jaeger_span.h"
#include "wire/keyed_rows.h"
#include "wire/otlp_walk.h"
#include "wire/span_rows.h"

namespace clew::wire {
namespace {

using jaeger::Log;
using jaeger::Process;
using jaeger::Reference;
using jaeger::Span;
using jaeger::Tag;

constexpr std::string_view kItemName = "span";

}  // namespace

struct JaegerDecoder::State {
  KeyedRows rows;
  SpanRows spans;
  ObjectLists lists;
  JsonToProto json;

  // Takes the spans that `read` gives, as the events of a request.
  Events events;
  void begin(const Intake& intake);
  void take(const Span& span);
  Events finish();

  void put_span(const Span& span, const Process& process);
  void put_tag(const Tag& tag, Level level);
  void put_logs(const Span& span);
  void put_links(const Span& span, const Reference* parent);
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

void JaegerDecoder::State::put_logs(const Span& span) {
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

void JaegerDecoder::State::put_links(const Span& span, const Reference* parent) {
  lists.clear();
  for (const Reference& r : span.references) {
    if (&r == parent) continue;
    lists.begin_element();
    model::append_json_string(r.trace_id, lists.leaf("trace_id"));
    model::append_json_string(r.span_id, lists.leaf("span_id"));
  }
  if (lists.elements() != 0) rows.put_lists("links.", Level::kRecord, lists);
}

void JaegerDecoder::State::put_span(const Span& span, const Process& process) {
  // The first reference to a span of the same trace is the parent, where no field says it.
  auto parent = std::find_if(span.references.begin(), span.references.end(),
                             [&](const Reference& r) { return r.child_of && r.trace_id == span.trace_id; });
  if (parent == span.references.end()) {
    parent = std::find_if(span.references.begin(), span.references.end(),
                          [&](const Reference& r) { return r.trace_id == span.trace_id; });
  }
  const Reference* named = parent == span.references.end() ? nullptr : &*parent;
  const Tag* error = span.tag("error");
  bool failed = error != nullptr && (error->kind == model::Kind::kBool ? error->lane != 0 : error->text != "false");
  std::string_view code = span.tag_text("otel.status_code");
  SpanFields fields;
  fields.ids = IdForm::kText;
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

void JaegerDecoder::State::begin(const Intake& intake) {
  events = Events();
  rows.begin_request();
  rows.select(batch_of(events.batches, kTracesDataset), intake);
  rows.share({});
  spans.find_keys(rows);
}

void JaegerDecoder::State::take(const Span& span) {
  uint64_t number = ++events.received;
  auto refuse = [&](Reason reason, const char* why) {
    // There may be millions of them; no text is made that is not kept.
    bool kept = events.rejections.size() < kRejectionsMax;
    events.reject({number, reason, kept ? fmt::format("{} {}: {}", kItemName, number, why) : std::string()});
  };
  if (span.trace_id.empty() || span.span_id.empty())
    return refuse(Reason::kSyntax, "a span needs a trace id and a span id");
  if (span.is_cut) return refuse(Reason::kTooLarge, "more than 1,000,000 tags, logs and references");
  if (!rows.begin_row()) return events.reject({number, Reason::kTooLarge, too_large_text(kItemName, number)});
  put_span(span, span.process_to_show());
}

Events JaegerDecoder::State::finish() {
  drop_empty(events.batches);
  return std::move(events);
}

JaegerDecoder::JaegerDecoder() : state_(std::make_unique<State>()) {}
JaegerDecoder::~JaegerDecoder() = default;

Result<Events> JaegerDecoder::decode_batch(std::string_view body, ThriftForm form, const Intake& intake) {
  ThriftReader in(body, form);
  in.begin_struct();
  state_->begin(intake);
  jaeger::read_batch(in, [this](const Span& span) { state_->take(span); });
  if (in.failed()) return Error(Code::kInvalid, "malformed thrift at byte " + std::to_string(in.position()));
  return state_->finish();
}

Result<Events> JaegerDecoder::decode_packet(std::string_view packet, const Intake& intake) {
  bool compact = !packet.empty() && static_cast<uint8_t>(packet.front()) == 0x82;
  ThriftReader in(packet, compact ? ThriftForm::kCompact : ThriftForm::kBinary);
  std::string_view call = in.message();
  if (!in.failed() && call != "emitBatch") return Error(Code::kUnsupported, "the call " + clew::quoted(call));
  in.begin_struct();
  state_->begin(intake);
  while (in.next_field()) {
    if (in.field() == 1 && in.structure())
      jaeger::read_batch(in, [this](const Span& span) { state_->take(span); });
    else if (in.field() != 1)
      in.skip_field();
  }
  if (in.failed()) return Error(Code::kInvalid, "malformed thrift at byte " + std::to_string(in.position()));
  return state_->finish();
}

Result<Events> JaegerDecoder::decode_protobuf(std::string_view body, const Intake& intake) {
  state_->begin(intake);
  bool whole = jaeger::read_post_spans(body, [this](const Span& span) { state_->take(span); });
  if (!whole) return Error(Code::kInvalid, "malformed protobuf");
  return state_->finish();
}

Result<Events> JaegerDecoder::decode_json(std::string_view body, const Intake& intake) {
  state_->begin(intake);
  CLEW_TRY(jaeger::read_json(body, state_->json, [this](const Span& span) { state_->take(span); }));
  Events events = state_->finish();
  state_->json.add_rejections(events);
  state_->json.release();
  return events;
}

}  // namespace clew::wire
