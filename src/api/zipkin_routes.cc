// The query API of Zipkin, as its UI and Grafana call it: /zipkin/api/v2/... and /api/v2/...
#include "api/json_body.h"
#include "api/json_writer.h"
#include "api/routes.h"
#include "api/trace_fields.h"
#include "api/trace_params.h"
#include "trace/finder.h"
#include "trace/search.h"
#include "trace/services.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;
constexpr int64_t kMicro = 1000;
constexpr int64_t kMilli = 1'000'000;
constexpr uint64_t kLimitDefault = 10;
constexpr uint64_t kTimeMaxMs = 9'223'372'036'854;
constexpr uint64_t kLookbackDefault = 24ull * 3600 * 1000;
constexpr size_t kTracesNamedMax = 100;

using trace::Record;
using trace::Step;
using trace::Trace;

// --- spans -----------------------------------------------------------------------------------------------------------

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

void endpoint(const Trace& trace, const Record& record, std::string_view name, std::string_view service,
              const std::string& prefix, JsonWriter& json) {
  std::string address = field_text(trace, record, prefix + "address");
  std::string port = field_text(trace, record, prefix + "port");
  if (service.empty() && address.empty()) return;
  json.key(name);
  json.begin_object();
  json.optional("serviceName", service);
  json.optional(address.find(':') == address.npos ? "ipv4" : "ipv6", address);
  if (!port.empty() && port.find_first_not_of("0123456789") == port.npos) {
    json.key("port");
    json.raw(port);
  }
  json.end_object();
}

void annotations(const SpanParts& parts, JsonWriter& json) {
  if (parts.events.empty()) return;
  json.key("annotations");
  json.begin_array();
  for (const SpanEvent& event : parts.events) {
    json.begin_object();
    json.member("timestamp", event.time / kMicro);
    json.member("value", event.name);
    json.end_object();
  }
  json.end_array();
}

bool is_endpoint(std::string_view name) {
  return name.starts_with("network.local.") || name.starts_with("network.peer.") || name == "peer.service";
}

void tags(const Step& step, const SpanParts& parts, JsonWriter& json) {
  std::string body;
  JsonWriter inner(body);
  inner.begin_object();
  bool any = false;
  bool has_error = false;
  for (const std::vector<Field>* fields : {&parts.attributes, &parts.process}) {
    for (const auto& [name, value] : *fields) {
      if (is_endpoint(name)) continue;
      inner.member(name, tag_text(value));
      any = true;
      has_error = has_error || name == "error";
    }
  }
  if (step.outcome == trace::Outcome::kFailed && !has_error) {
    inner.member("error",
                 step.status_message.empty() ? (step.reason.empty() ? "true" : step.reason) : step.status_message);
    any = true;
  }
  inner.end_object();
  if (!any) return;
  json.key("tags");
  json.raw(body);
}

void append_span(const Trace& trace, const Step& step, JsonWriter& json) {
  static const Record kNothing;
  const Record& record = step.record == trace::kNone ? kNothing : trace.record_of(step);
  SpanParts parts = parts_of(trace, record);
  json.begin_object();
  json.member("traceId", step.trace_id.empty() ? std::string_view(trace.id) : step.trace_id);
  json.optional("parentId", step.parent_id);
  json.member("id", step.span_id);
  bool known_kind =
      step.kind == "client" || step.kind == "server" || step.kind == "producer" || step.kind == "consumer";
  if (known_kind) json.member("kind", upper(step.kind));
  json.optional("name", step.name);
  if (!step.has(trace::Problem::kNoStart)) json.member("timestamp", step.start / kMicro);
  if (!step.has(trace::Problem::kNoEnd)) json.member("duration", std::max<int64_t>(1, step.duration() / kMicro));
  endpoint(trace, record, "localEndpoint", step.service, "network.local.", json);
  endpoint(trace, record, "remoteEndpoint", field_text(trace, record, "peer.service"), "network.peer.", json);
  annotations(parts, json);
  tags(step, parts, json);
  json.optional_flag("shared", record.shared);
  json.optional_flag("debug", field_text(trace, record, "debug") == "true");
  json.end_object();
}

void append_trace(const Trace& trace, JsonWriter& json) {
  json.begin_array();
  for (const Step& step : trace.steps) {
    if (!step.has(trace::Problem::kMissing)) append_span(trace, step, json);
  }
  json.end_array();
}

// Zipkin's own UI sets clocks right, so that times go as they came.
Result<Trace> load(ServerParts& parts, const CallPtr& call, std::string_view id) {
  trace::FindOptions options{.access = call->access, .range = {}, .attributes = true, .assemble = {}};
  options.assemble.correct_clocks = false;
  return trace::Finder(parts.store).by_trace_id(id, options, stop_of_client(call));
}

void answer(const CallPtr& call, std::string body) { call->exchange->answer({.headers = {}, .body = std::move(body)}); }

void get_trace(ServerParts& parts, const CallPtr& call) {
  Result<Trace> found = load(parts, call, call->names[0]);
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  std::string body;
  JsonWriter json(body);
  append_trace(*found, json);
  answer(call, std::move(body));
}

void answer_traces(ServerParts& parts, const CallPtr& call, const std::vector<std::string>& ids) {
  std::string body;
  JsonWriter json(body);
  json.begin_array();
  for (const std::string& id : ids) {
    Result<Trace> found = load(parts, call, id);
    if (!found.ok() && found.error().code() != Code::kNotFound) return answer_error(*call, kShape, found.error());
    if (found.ok()) append_trace(*found, json);
  }
  json.end_array();
  answer(call, std::move(body));
}

void get_many(ServerParts& parts, const CallPtr& call) {
  std::vector<std::string> ids;
  std::string_view list = call->request().param("traceIds");
  while (!list.empty() && ids.size() < kTracesNamedMax) {
    size_t comma = list.find(',');
    if (comma != 0) ids.emplace_back(list.substr(0, comma));
    list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
  }
  if (ids.empty())
    return answer_error(*call, kShape, Error(Code::kInvalid, "traceIds: expected ids with commas between"));
  answer_traces(parts, call, ids);
}

// --- search ----------------------------------------------------------------------------------------------------------

Result<contract::TimeRange> lookback(const ServerParts& parts, const net::Request& request) {
  uint64_t now_ms = static_cast<uint64_t>(parts.clock.now().get() / kMilli);
  uint64_t end_ms = CLEW_TRY(number_param(request, "endTs", now_ms, kTimeMaxMs));
  uint64_t back_ms = CLEW_TRY(number_param(request, "lookback", kLookbackDefault, UINT64_MAX));
  contract::TimeRange range;
  range.to = static_cast<int64_t>(end_ms) * kMilli;
  range.from = range.to - static_cast<int64_t>(std::min(back_ms, end_ms)) * kMilli;
  return range;
}

// `http.path=/a and error`: terms that must all hold. One without a value only has to be there.
void read_annotation_query(std::string_view text, trace::SearchSpec& spec) {
  while (!text.empty()) {
    size_t end = text.find(" and ");
    std::string_view term = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 5);
    size_t equals = term.find('=');
    if (term == "error")
      spec.outcome = trace::Outcome::kFailed;
    else if (equals == term.npos)
      spec.present.emplace_back(term);
    else
      spec.tags.emplace_back(term.substr(0, equals), term.substr(equals + 1));
  }
}

Result<trace::SearchSpec> read_search(ServerParts& parts, const CallPtr& call) {
  const net::Request& request = call->request();
  trace::SearchSpec spec;
  spec.access = call->access;
  spec.range = CLEW_TRY(lookback(parts, request));
  spec.service = request.param("serviceName");
  spec.operation = request.param("spanName");
  if (spec.operation == "all") spec.operation.clear();
  if (!request.param("remoteServiceName").empty())
    spec.tags.emplace_back("peer.service", request.param("remoteServiceName"));
  if (!request.param("minDuration").empty()) {
    spec.duration_min = CLEW_TRY(parse_span_duration(request.param("minDuration"), kMicro));
  }
  if (!request.param("maxDuration").empty()) {
    spec.duration_max = CLEW_TRY(parse_span_duration(request.param("maxDuration"), kMicro));
  }
  read_annotation_query(request.param("annotationQuery"), spec);
  uint64_t limit = CLEW_TRY(number_param(request, "limit", kLimitDefault, UINT32_MAX));
  spec.limit = static_cast<uint32_t>(std::clamp<uint64_t>(limit, 1, trace::kTracesFoundMax));
  return spec;
}

void search(ServerParts& parts, const CallPtr& call) {
  Result<trace::SearchSpec> spec = read_search(parts, call);
  if (!spec.ok()) return answer_error(*call, kShape, spec.error());
  Result<trace::SearchAnswer> found =
      trace::search_traces(parts.store, *spec, parts.engine.pool(), stop_of_client(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  std::vector<std::string> ids;
  for (const trace::Summary& summary : found->traces) ids.push_back(summary.trace_id);
  answer_traces(parts, call, ids);
}

// --- names -----------------------------------------------------------------------------------------------------------

void list_names(ServerParts& parts, const CallPtr& call, bool of_service) {
  std::string service(of_service ? call->request().param("serviceName") : std::string_view());
  if (of_service && service.empty()) return answer(call, "[]");
  auto counts = trace::count_operations(parts.store, call->access, {}, service, stop_of_client(call));
  if (!counts.ok()) return answer_error(*call, kShape, counts.error());
  Json names = Json::array();
  for (const trace::OperationCount& c : *counts) {
    if (names.empty() || names.back() != c.name) names.push_back(c.name);
  }
  answer(call, dump_json(names));
}

void list_remote_services(ServerParts& parts, const CallPtr& call) {
  auto found = trace::find_dependencies(parts.store, call->access, {}, stop_of_client(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  Json names = Json::array();
  for (const trace::Dependency& d : *found) {
    if (d.parent == call->request().param("serviceName")) names.push_back(d.child);
  }
  answer(call, dump_json(names));
}

void list_dependencies(ServerParts& parts, const CallPtr& call) {
  Result<contract::TimeRange> range = lookback(parts, call->request());
  if (!range.ok()) return answer_error(*call, kShape, range.error());
  auto found = trace::find_dependencies(parts.store, call->access, *range, stop_of_client(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  Json list = Json::array();
  for (const trace::Dependency& d : *found) {
    Json one = {{"parent", d.parent}, {"child", d.child}, {"callCount", d.calls}};
    if (d.failed != 0) one["errorCount"] = d.failed;
    list.push_back(std::move(one));
  }
  answer(call, dump_json(list));
}

}  // namespace

std::vector<Route> zipkin_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  std::vector<Route> routes;
  auto add = [&](const std::string& path, const Handler& handler) {
    for (const char* prefix : {"/zipkin/api/v2", "/api/v2"}) {
      routes.push_back({"GET", prefix + path, Need::kRead, Place::kPool, kShape, handler});
    }
  };
  add("/services", [p](CallPtr call) { list_names(*p, call, false); });
  add("/spans", [p](CallPtr call) { list_names(*p, call, true); });
  add("/remoteServices", [p](CallPtr call) { list_remote_services(*p, call); });
  add("/traces", [p](CallPtr call) { search(*p, call); });
  add("/trace/{ID}", [p](CallPtr call) { get_trace(*p, call); });
  add("/traceMany", [p](CallPtr call) { get_many(*p, call); });
  add("/dependencies", [p](CallPtr call) { list_dependencies(*p, call); });
  add("/autocompleteKeys", [](CallPtr call) { answer(call, "[]"); });
  add("/autocompleteValues", [](CallPtr call) { answer(call, "[]"); });
  return routes;
}

}  // namespace clew::api
