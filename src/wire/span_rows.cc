#include "wire/span_rows.h"

#include "model/json_text.h"
#include "wire/otlp_walk.h"

namespace clew::wire {

void SpanRows::find_keys(KeyedRows& rows) {
  keys_.trace_id = rows.key("trace_id");
  keys_.span_id = rows.key("span_id");
  keys_.parent_span_id = rows.key("parent_span_id");
  keys_.name = rows.key("name");
  keys_.kind = rows.key("kind");
  keys_.start = rows.key("start");
  keys_.end = rows.key("end");
  keys_.duration_ns = rows.key("duration_ns");
  keys_.status_code = rows.key("status.code");
  keys_.status_message = rows.key("status.message");
  keys_.trace_state = rows.key("trace_state");
  keys_.flags = rows.key("flags");
  keys_.dropped_attributes = rows.key("dropped_attributes_count");
  keys_.dropped_events = rows.key("dropped_events_count");
  keys_.dropped_links = rows.key("dropped_links_count");
}

void SpanRows::put(KeyedRows& rows, const SpanFields& span) {
  auto id = [&](Key* k, std::string_view v) {
    std::string_view kept = span.ids == IdForm::kText ? v : hex_id(v, hex_);
    if (!kept.empty()) rows.put_string(k, kept);
  };
  auto text = [&](Key* k, std::string_view v) {
    if (!v.empty()) rows.put_string(k, v);
  };
  auto count = [&](Key* k, uint64_t v) {
    if (v != 0) rows.put_count(k, v);
  };
  id(keys_.trace_id, span.trace_id);
  id(keys_.span_id, span.span_id);
  id(keys_.parent_span_id, span.parent_span_id);
  text(keys_.name, span.name);
  text(keys_.kind, span.kind);
  rows.put_nanos(keys_.start, span.start);
  rows.put_nanos(keys_.end, span.end);
  // Clocks that differ can make a span end before it began; its duration says so.
  if (span.start != 0 && span.end != 0) rows.put_int(keys_.duration_ns, static_cast<int64_t>(span.end - span.start));
  text(keys_.status_code, span.status_code);
  text(keys_.status_message, span.status_message);
  text(keys_.trace_state, span.trace_state);
  count(keys_.flags, span.flags);
  count(keys_.dropped_attributes, span.dropped_attributes);
  count(keys_.dropped_events, span.dropped_events);
  count(keys_.dropped_links, span.dropped_links);
}

void append_time_json(uint64_t unix_nanos, std::string& out) {
  if (unix_nanos > INT64_MAX) {
    out += std::to_string(unix_nanos);
    return;
  }
  out.push_back('"');
  model::append_rfc3339(static_cast<int64_t>(unix_nanos), out);
  out.push_back('"');
}

}  // namespace clew::wire
