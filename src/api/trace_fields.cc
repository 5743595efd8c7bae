#include "api/trace_fields.h"

#include <algorithm>

#include "query/encode.h"
#include "text/time_format.h"

namespace clew::api {
namespace {

using model::Type;
using model::Value;

// A span's own fields; what other systems have members of their own for.
constexpr std::string_view kOwn[] = {"trace_id",
                                     "span_id",
                                     "parent_span_id",
                                     "name",
                                     "kind",
                                     "start",
                                     "end",
                                     "duration_ns",
                                     "status.code",
                                     "status.message",
                                     "service.name",
                                     "trace_state",
                                     "flags",
                                     "shared",
                                     "debug",
                                     "dropped_attributes_count",
                                     "dropped_events_count",
                                     "dropped_links_count"};

// Attributes that describe who wrote a span rather than what it did.
constexpr std::string_view kProcessPrefixes[] = {"telemetry.", "host.",     "os.",         "k8s.",
                                                 "container.", "cloud.",    "deployment.", "process.",
                                                 "service.",   "resource.", "faas.",       "network.local."};

bool is_own(std::string_view name) { return std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn); }

bool of_process(std::string_view name) {
  return std::any_of(std::begin(kProcessPrefixes), std::end(kProcessPrefixes),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Attributes that gave way to a span's own field of the same name get their name back.
std::string_view bare(std::string_view name) {
  constexpr std::string_view kMoved = "attributes.";
  return name.starts_with(kMoved) ? name.substr(kMoved.size()) : name;
}

int64_t nanos_of(const Value& v) {
  if (v.type() == Type::kTimestamp) return v.i64();
  std::string text;
  query::append_text(v, text);
  text::TimeReader reader;
  std::optional<text::Time> time = reader.parse(text, {});
  return time ? time->unix_nanos : 0;
}

template <class Element, class Put>
void put_list(std::vector<Element>& list, const Value& values, Put put) {
  if (values.type() != Type::kArray) return;
  if (list.size() < values.items().size()) list.resize(values.items().size());
  for (size_t i = 0; i < values.items().size(); ++i) {
    if (!values.items()[i].is_null()) put(list[i], values.items()[i]);
  }
}

void take_event_field(std::string_view name, const Value& values, std::vector<SpanEvent>& events) {
  put_list(events, values, [&](SpanEvent& event, const Value& v) {
    if (name == "time")
      event.time = nanos_of(v);
    else if (name == "name")
      event.name = v.type() == Type::kString ? v.text() : std::string();
    else
      event.fields.emplace_back(name, v);
  });
}

void take_link_field(std::string_view name, const Value& values, std::vector<SpanLink>& links) {
  put_list(links, values, [&](SpanLink& link, const Value& v) {
    if (v.type() != Type::kString) return;
    if (name == "trace_id") link.trace_id = v.text();
    if (name == "span_id") link.span_id = v.text();
  });
}

}  // namespace

SpanParts parts_of(const trace::Trace& trace, const trace::Record& record) {
  SpanParts parts;
  for (uint32_t i = record.attributes_begin; i < record.attributes_end; ++i) {
    const trace::Attribute& a = trace.records->attributes[i];
    if (is_own(a.name) || a.name == "scope.schema_url" || a.name == "resource.schema_url") continue;
    if (a.name == "scope.name" && a.value.type() == Type::kString)
      parts.scope_name = a.value.text();
    else if (a.name == "scope.version" && a.value.type() == Type::kString)
      parts.scope_version = a.value.text();
    else if (a.name.starts_with("events."))
      take_event_field(a.name.substr(7), a.value, parts.events);
    else if (a.name.starts_with("links."))
      take_link_field(a.name.substr(6), a.value, parts.links);
    else if (of_process(a.name))
      parts.process.emplace_back(a.name, a.value);
    else
      parts.attributes.emplace_back(bare(a.name), a.value);
  }
  return parts;
}

std::string tag_text(const Value& value) {
  std::string text;
  bool json = value.type() == Type::kBool || value.type() == Type::kArray || value.type() == Type::kStruct;
  if (json)
    query::append_json(value, text);
  else
    query::append_text(value, text);
  return text;
}

std::string field_text(const trace::Trace& trace, const trace::Record& record, std::string_view name) {
  std::string text;
  for (uint32_t i = record.attributes_begin; i < record.attributes_end; ++i) {
    const trace::Attribute& a = trace.records->attributes[i];
    if (a.name == name) text = tag_text(a.value);
  }
  return text;
}

}  // namespace clew::api
