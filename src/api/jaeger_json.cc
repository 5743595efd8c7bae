#include "api/jaeger_json.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "api/json_writer.h"
#include "api/trace_fields.h"
#include "base/hash.h"

namespace clew::api {
namespace {

using model::Type;
using model::Value;
using trace::Problem;
using trace::Record;
using trace::Step;
using trace::Trace;

constexpr int64_t kMicro = 1000;

int64_t micros(int64_t nanos) { return nanos / kMicro; }

class JaegerWriter {
 public:
  JaegerWriter(const Trace& trace, JsonWriter& json) : trace_(trace), json_(json) {}

  void write() {
    name_spans();
    json_.begin_object();
    json_.member("traceID", trace_.id);
    json_.key("spans");
    json_.begin_array();
    for (const Step& step : trace_.steps) {
      if (!step.has(Problem::kMissing)) span(step);
    }
    json_.end_array();
    processes();
    json_.key("warnings");
    warnings();
    json_.end_object();
  }

 private:
  void name_spans();
  void span(const Step& step);
  void references(const Step& step, const SpanParts& parts);
  void tags(const Step& step, const SpanParts& parts);
  void logs(const Step& step, const SpanParts& parts);
  void span_warnings(const Step& step);
  void processes();
  void warnings();
  void tag(std::string_view key, const Value& value);
  void text_tag(std::string_view key, std::string_view value);
  std::string process_of(const Step& step, const SpanParts& parts);

  const Trace& trace_;
  JsonWriter& json_;
  std::vector<std::string> ids_;                  // of spans, by step
  std::map<std::string, std::string> processes_;  // JSON without its braces -> "p1"
  std::vector<std::string> process_bodies_;
};

// Both sides of a call may share an id; here every span needs its own.
void JaegerWriter::name_spans() {
  ids_.reserve(trace_.steps.size());
  for (const Step& step : trace_.steps) {
    bool shared = step.parent != trace::kNone && trace_.steps[step.parent].span_id == step.span_id;
    ids_.push_back(shared ? fmt::format("{:016x}", base::hash64(step.span_id, 1)) : std::string(step.span_id));
  }
}

void JaegerWriter::text_tag(std::string_view key, std::string_view value) {
  json_.begin_object();
  json_.member("key", key);
  json_.member("type", "string");
  json_.member("value", value);
  json_.end_object();
}

void JaegerWriter::tag(std::string_view key, const Value& value) {
  std::string_view type = "string";
  switch (value.type()) {
    case Type::kBool: type = "bool"; break;
    case Type::kInt:
    case Type::kLong: type = "int64"; break;
    case Type::kDouble:
    case Type::kFloat:
    case Type::kDecimal: type = "float64"; break;
    default: break;
  }
  if (type == "string") return text_tag(key, tag_text(value));
  json_.begin_object();
  json_.member("key", key);
  json_.member("type", type);
  json_.key("value");
  json_.value(value);
  json_.end_object();
}

void JaegerWriter::references(const Step& step, const SpanParts& parts) {
  json_.key("references");
  json_.begin_array();
  auto reference = [&](std::string_view type, std::string_view trace_id, std::string_view span_id) {
    json_.begin_object();
    json_.member("refType", type);
    json_.member("traceID", trace_id);
    json_.member("spanID", span_id);
    json_.end_object();
  };
  bool known = step.parent != trace::kNone && !trace_.steps[step.parent].has(Problem::kMissing);
  if (known)
    reference("CHILD_OF", trace_.id, ids_[step.parent]);
  else if (!step.parent_id.empty())
    reference("CHILD_OF", trace_.id, step.parent_id);
  for (const SpanLink& link : parts.links) reference("FOLLOWS_FROM", link.trace_id, link.span_id);
  json_.end_array();
}

void JaegerWriter::tags(const Step& step, const SpanParts& parts) {
  json_.key("tags");
  json_.begin_array();
  if (!parts.scope_name.empty()) text_tag("otel.library.name", parts.scope_name);
  if (!parts.scope_version.empty()) text_tag("otel.library.version", parts.scope_version);
  bool has_error = false;
  for (const Field& field : parts.attributes) {
    tag(field.first, field.second);
    has_error = has_error || field.first == "error";
  }
  if (!step.kind.empty() && step.kind != "unspecified") text_tag("span.kind", step.kind);
  if (step.outcome == trace::Outcome::kFailed && !has_error) tag("error", Value::boolean(true));
  if (!step.status.empty() && step.status != "unset") {
    std::string code(step.status);
    for (char& c : code) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    text_tag("otel.status_code", code);
  }
  if (!step.status_message.empty()) text_tag("otel.status_description", step.status_message);
  if (step.goal) {
    if (step.outcome != trace::Outcome::kUnsaid) text_tag("clew.outcome", trace::outcome_name(step.outcome));
    if (!step.reason.empty()) text_tag("clew.reason", step.reason);
  }
  json_.end_array();
}

void JaegerWriter::logs(const Step& step, const SpanParts& parts) {
  json_.key("logs");
  json_.begin_array();
  for (const SpanEvent& event : parts.events) {
    json_.begin_object();
    json_.member("timestamp", micros(event.time + step.shift));
    json_.key("fields");
    json_.begin_array();
    if (!event.name.empty()) text_tag("event", event.name);
    for (const Field& field : event.fields) tag(field.first, field.second);
    json_.end_array();
    json_.end_object();
  }
  for (uint32_t l : step.lines) {
    const Record& r = trace_.records->rows[trace_.lines[l].record];
    json_.begin_object();
    json_.member("timestamp", micros(trace_.lines[l].time));
    json_.key("fields");
    json_.begin_array();
    if (!r.level.empty()) text_tag("level", r.level);
    text_tag("message", r.message.empty() ? r.action_type : r.message);
    json_.end_array();
    json_.end_object();
  }
  json_.end_array();
}

// The processes object is written last; here is only its name.
std::string JaegerWriter::process_of(const Step& step, const SpanParts& parts) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.member("serviceName", step.service);
  json.key("tags");
  json.begin_array();
  JaegerWriter inner(trace_, json);
  for (const Field& field : parts.process) inner.tag(field.first, field.second);
  json.end_array();
  json.end_object();
  auto [it, made] = processes_.emplace(body, "p" + std::to_string(processes_.size() + 1));
  if (made) process_bodies_.push_back(body);
  return it->second;
}

void JaegerWriter::span_warnings(const Step& step) {
  std::vector<std::string> texts;
  if (step.shift != 0) {
    texts.push_back(fmt::format("clock difference of {} us to {} taken out", step.shift / kMicro, step.host));
  }
  if (step.has(Problem::kNoEnd)) texts.push_back("no end seen");
  if (step.has(Problem::kNoStart)) texts.push_back("no start seen");
  if (step.has(Problem::kOrphan)) texts.push_back("its parent never arrived");
  if (step.has(Problem::kCycle)) texts.push_back("names a span beneath itself as its parent");
  json_.key("warnings");
  if (texts.empty()) return json_.null();
  json_.begin_array();
  for (const std::string& text : texts) json_.text(text);
  json_.end_array();
}

void JaegerWriter::span(const Step& step) {
  static const Record kNothing;
  const Record& record = step.record == trace::kNone ? kNothing : trace_.record_of(step);
  SpanParts parts = parts_of(trace_, record);
  json_.begin_object();
  json_.member("traceID", trace_.id);
  json_.member("spanID", ids_[static_cast<size_t>(&step - trace_.steps.data())]);
  json_.member("operationName", step.name);
  references(step, parts);
  json_.member("startTime", micros(step.start));
  json_.member("duration", micros(step.duration()));
  tags(step, parts);
  logs(step, parts);
  json_.member("processID", process_of(step, parts));
  span_warnings(step);
  json_.end_object();
}

void JaegerWriter::processes() {
  json_.key("processes");
  json_.begin_object();
  for (const std::string& body : process_bodies_) {
    json_.key(processes_[body]);
    json_.raw(body);
  }
  json_.end_object();
}

void JaegerWriter::warnings() {
  if (!trace_.records->cut && trace_.records->damaged_rows == 0) return json_.null();
  json_.begin_array();
  if (trace_.records->cut) json_.text("cut: there are more events than are read of one request");
  if (trace_.records->damaged_rows != 0)
    json_.text(fmt::format("{} damaged rows left out", trace_.records->damaged_rows));
  json_.end_array();
}

}  // namespace

void append_jaeger_trace(const Trace& trace, JsonWriter& json) { JaegerWriter(trace, json).write(); }

}  // namespace clew::api
