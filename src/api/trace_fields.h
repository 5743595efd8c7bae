// The fields of a span apart, as the APIs of other systems want them: attributes, those of the process, events, links.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/value.h"
#include "trace/trace.h"

namespace clew::api {

using Field = std::pair<std::string_view, model::Value>;

struct SpanEvent {
  int64_t time = 0;  // ns; 0 where it has none
  std::string name;
  std::vector<Field> fields;
};

struct SpanLink {
  std::string trace_id;
  std::string span_id;
};

struct SpanParts {
  std::vector<Field> attributes;
  std::vector<Field> process;  // of the resource; service.name left out
  std::vector<SpanEvent> events;
  std::vector<SpanLink> links;
  std::string_view scope_name;
  std::string_view scope_version;
};

// Requires: the trace was loaded with attributes.
SpanParts parts_of(const trace::Trace& trace, const trace::Record& record);

// A value as the text of a tag: booleans as true and false, arrays as JSON.
std::string tag_text(const model::Value& value);

// The text of a field that parts_of leaves out, as "peer.service"; empty when there is none.
std::string field_text(const trace::Trace& trace, const trace::Record& record, std::string_view name);

}  // namespace clew::api
