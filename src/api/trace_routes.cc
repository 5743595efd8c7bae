// Requests as trees, searched, compared: /clew/v1/traces, goals, services, dependencies.
#include "api/json_body.h"
#include "api/json_writer.h"
#include "api/routes.h"
#include "api/trace_json.h"
#include "api/trace_params.h"
#include "model/json_text.h"
#include "trace/compare.h"
#include "trace/finder.h"
#include "trace/search.h"
#include "trace/services.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr uint64_t kLimitDefault = 20;
constexpr size_t kPathsShown = 1000;
constexpr double kNanosPerMilli = 1e6;

double millis(int64_t nanos) { return static_cast<double>(nanos) / kNanosPerMilli; }

void answer_body(const CallPtr& call, std::string body) {
  body += "\n";
  call->exchange->answer({.headers = {}, .body = std::move(body)});
}

// --- one request -----------------------------------------------------------------------------------------------------

Result<trace::Trace> find(ServerParts& parts, const CallPtr& call, std::string_view reference, bool attributes,
                          bool raw_times) {
  trace::FindOptions options{.access = call->access, .range = {}, .attributes = attributes, .assemble = {}};
  options.assemble.correct_clocks = !raw_times;
  trace::Finder finder(parts.store);
  return finder.find(reference, options, stop_of_client(call));
}

void answer_trace(ServerParts& parts, const CallPtr& call, const std::string& reference, TraceJsonOptions shown,
                  bool raw_times) {
  Result<trace::Trace> found = find(parts, call, reference, shown.attributes, raw_times);
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  std::string body;
  append_trace_json(*found, shown, body);
  answer_body(call, std::move(body));
}

void get_trace(ServerParts& parts, const CallPtr& call) {
  const net::Request& request = call->request();
  TraceJsonOptions shown{.lines = flag_param(request, "lines", true),
                         .attributes = flag_param(request, "attributes", false)};
  answer_trace(parts, call, call->names[0], shown, flag_param(request, "raw_times", false));
}

// The reference in a body: pasted lines are long.
void find_trace(ServerParts& parts, const CallPtr& call) {
  Result<Json> body = parse_object(call->request().body, {"of", "lines", "attributes", "raw_times"});
  if (!body.ok()) return answer_error(*call, kShape, body.error());
  Result<std::optional<std::string>> of = text_member(*body, "of");
  if (!of.ok()) return answer_error(*call, kShape, of.error());
  Result<bool> lines = bool_member(*body, "lines", true);
  Result<bool> attributes = bool_member(*body, "attributes", false);
  Result<bool> raw_times = bool_member(*body, "raw_times", false);
  for (const Result<bool>* flag : {&lines, &attributes, &raw_times}) {
    if (!flag->ok()) return answer_error(*call, kShape, flag->error());
  }
  if (!*of) return answer_error(*call, kShape, Error(Code::kInvalid, "the body has no member \"of\""));
  answer_trace(parts, call, **of, {.lines = *lines, .attributes = *attributes}, *raw_times);
}

// --- many requests ---------------------------------------------------------------------------------------------------

Status read_tags(const net::Request& request, trace::SearchSpec& spec) {
  for (const auto& [name, value] : request.query) {
    if (name != "tag" && name != "tags") continue;
    size_t equals = value.find('=');
    if (equals == value.npos || equals == 0) return Error(Code::kInvalid, name + ": expected NAME=VALUE");
    spec.tags.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  }
  return {};
}

Result<std::optional<trace::Outcome>> outcome_param(const net::Request& request) {
  std::string_view text = request.param("outcome");
  if (flag_param(request, "error", false)) text = "failed";
  for (trace::Outcome o : {trace::Outcome::kOk, trace::Outcome::kFailed, trace::Outcome::kOpen}) {
    if (text == trace::outcome_name(o)) return std::optional(o);
  }
  if (!text.empty()) return Error(Code::kInvalid, "outcome: expected ok, failed or open");
  return std::optional<trace::Outcome>();
}

Result<trace::SearchSpec> read_search(const ServerParts& parts, const CallPtr& call) {
  const net::Request& request = call->request();
  trace::SearchSpec spec;
  spec.access = call->access;
  spec.range = CLEW_TRY(range_params(request, parts.clock));
  spec.service = request.param("service");
  spec.operation = request.param("operation");
  if (!request.param("min_duration").empty()) {
    spec.duration_min = CLEW_TRY(parse_span_duration(request.param("min_duration"), 1'000'000));
  }
  if (!request.param("max_duration").empty()) {
    spec.duration_max = CLEW_TRY(parse_span_duration(request.param("max_duration"), 1'000'000));
  }
  CLEW_TRY(read_tags(request, spec));
  spec.outcome = CLEW_TRY(outcome_param(request));
  std::string_view order = request.param("order");
  if (!order.empty() && order != "newest" && order != "slowest") {
    return Error(Code::kInvalid, "order: expected newest or slowest");
  }
  spec.order = order == "slowest" ? trace::TraceOrder::kSlowest : trace::TraceOrder::kNewest;
  uint64_t limit = CLEW_TRY(number_param(request, "limit", kLimitDefault, trace::kTracesFoundMax));
  spec.limit = static_cast<uint32_t>(limit);
  return spec;
}

void append_summary(const trace::Summary& s, JsonWriter& json) {
  json.begin_object();
  json.member("trace_id", s.trace_id);
  json.member("service", s.root_service);
  json.member("name", s.root_name);
  std::string start;
  model::append_rfc3339(s.start, start);
  json.member("start", start);
  json.member_real("duration_ms", millis(s.duration));
  json.member_real("longest_match_ms", millis(s.longest_match));
  json.member("spans", static_cast<int64_t>(s.spans));
  json.member("failed", static_cast<int64_t>(s.failed));
  json.member("open", static_cast<int64_t>(s.open));
  json.optional("outcome", trace::outcome_name(s.outcome));
  json.optional("reason", s.reason);
  json.key("services");
  json.begin_array();
  for (const trace::ServicePart& part : s.services) {
    json.begin_object();
    json.member("name", part.name);
    json.member("spans", static_cast<int64_t>(part.spans));
    json.member("failed", static_cast<int64_t>(part.failed));
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void search(ServerParts& parts, const CallPtr& call, bool goals) {
  Result<trace::SearchSpec> spec = read_search(parts, call);
  if (!spec.ok()) return answer_error(*call, kShape, spec.error());
  spec->goals = goals;
  Result<trace::SearchAnswer> found =
      trace::search_traces(parts.store, *spec, parts.engine.pool(), stop_of_client(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("traces");
  json.begin_array();
  for (const trace::Summary& s : found->traces) append_summary(s, json);
  json.end_array();
  json.member_flag("more", found->more);
  json.optional("damaged_rows", static_cast<int64_t>(found->damaged_rows));
  json.end_object();
  answer_body(call, std::move(body));
}

// --- services --------------------------------------------------------------------------------------------------------

void append_durations(const trace::Durations& d, JsonWriter& json) {
  json.member_real("p50_ms", millis(d.quantile(0.5)));
  json.member_real("p95_ms", millis(d.quantile(0.95)));
  json.member_real("p99_ms", millis(d.quantile(0.99)));
  json.member_real("max_ms", millis(d.max()));
}

void list_operations(ServerParts& parts, const CallPtr& call, const std::string& service) {
  Result<contract::TimeRange> range = range_params(call->request(), parts.clock);
  if (!range.ok()) return answer_error(*call, kShape, range.error());
  auto counts = trace::count_operations(parts.store, call->access, *range, service, stop_of_client(call));
  if (!counts.ok()) return answer_error(*call, kShape, counts.error());
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key(service.empty() ? "services" : "operations");
  json.begin_array();
  for (const trace::OperationCount& c : *counts) {
    json.begin_object();
    json.member("name", c.name);
    json.optional("kind", c.kind);
    json.member("spans", static_cast<int64_t>(c.spans));
    json.member("failed", static_cast<int64_t>(c.failed));
    append_durations(c.durations, json);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  answer_body(call, std::move(body));
}

void list_dependencies(ServerParts& parts, const CallPtr& call) {
  Result<contract::TimeRange> range = range_params(call->request(), parts.clock);
  if (!range.ok()) return answer_error(*call, kShape, range.error());
  auto found = trace::find_dependencies(parts.store, call->access, *range, stop_of_client(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("dependencies");
  json.begin_array();
  for (const trace::Dependency& d : *found) {
    json.begin_object();
    json.member("parent", d.parent);
    json.member("child", d.child);
    json.member("calls", static_cast<int64_t>(d.calls));
    json.member("failed", static_cast<int64_t>(d.failed));
    append_durations(d.durations, json);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  answer_body(call, std::move(body));
}

// --- comparing -------------------------------------------------------------------------------------------------------

void append_path(const std::vector<std::string>& path, JsonWriter& json) {
  json.key("path");
  json.begin_array();
  for (const std::string& label : path) json.text(label);
  json.end_array();
}

void append_total(std::string_view name, const trace::PathTotal& t, JsonWriter& json) {
  json.key(name);
  json.begin_object();
  json.member("steps", static_cast<int64_t>(t.steps));
  json.member("failed", static_cast<int64_t>(t.failed));
  json.member_real("total_ms", millis(t.total));
  json.member_real("self_ms", millis(t.self));
  json.end_object();
}

void append_end(std::string_view name, const trace::Trace& t, JsonWriter& json) {
  json.key(name);
  json.begin_object();
  json.member("trace_id", t.id);
  json.member_real("duration_ms", millis(t.duration()));
  json.member("spans", static_cast<int64_t>(t.steps.size()));
  json.end_object();
}

void compare(ServerParts& parts, const CallPtr& call) {
  Result<trace::Trace> a = find(parts, call, call->request().param("a"), false, false);
  if (!a.ok()) return answer_error(*call, kShape, std::move(a).error().at("a"));
  Result<trace::Trace> b = find(parts, call, call->request().param("b"), false, false);
  if (!b.ok()) return answer_error(*call, kShape, std::move(b).error().at("b"));
  std::vector<trace::PathDifference> rows = trace::compare_traces(*a, *b);
  if (rows.size() > kPathsShown) rows.resize(kPathsShown);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  append_end("a", *a, json);
  append_end("b", *b, json);
  json.key("paths");
  json.begin_array();
  for (const trace::PathDifference& row : rows) {
    json.begin_object();
    append_path(row.path, json);
    append_total("a", row.before, json);
    append_total("b", row.after, json);
    json.member_real("self_change_ms", millis(row.self_change()));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  answer_body(call, std::move(body));
}

void typical(ServerParts& parts, const CallPtr& call) {
  Result<trace::Trace> t = find(parts, call, call->request().param("of"), false, false);
  if (!t.ok()) return answer_error(*call, kShape, t.error());
  Result<trace::Typical> found =
      trace::typical_of(parts.store, call->access, *t, parts.engine.pool(), stop_of_client(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  if (found->paths.size() > kPathsShown) found->paths.resize(kPathsShown);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  append_end("trace", *t, json);
  json.member("service", found->service);
  json.member("operation", found->operation);
  json.member("requests", static_cast<int64_t>(found->requests));
  json.member_real("duration_median_ms", millis(found->duration_median));
  json.member_real("duration_p95_ms", millis(found->duration_p95));
  json.member_real("slower_than", found->slower_than);
  json.key("paths");
  json.begin_array();
  for (const trace::TypicalPath& row : found->paths) {
    json.begin_object();
    append_path(row.path, json);
    append_total("here", row.here, json);
    json.member("requests", static_cast<int64_t>(row.requests));
    if (row.presence == trace::Presence::kOnlyHere) json.member("unusual", "only_here");
    if (row.presence == trace::Presence::kMissingHere) json.member("unusual", "missing_here");
    json.member_real("steps_mean", row.steps);
    json.member_real("self_median_ms", millis(row.self_median));
    json.member_real("self_p95_ms", millis(row.self_p95));
    json.member_real("self_excess_ms", millis(row.self_excess()));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  answer_body(call, std::move(body));
}

}  // namespace

std::vector<Route> trace_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  auto route = [](const char* method, const char* pattern, Handler handler) {
    return Route{method, pattern, Need::kRead, Place::kPool, kShape, std::move(handler)};
  };
  return {
      route("GET", "/clew/v1/traces", [p](CallPtr call) { search(*p, call, false); }),
      route("GET", "/clew/v1/goals", [p](CallPtr call) { search(*p, call, true); }),
      route("GET", "/clew/v1/traces/compare", [p](CallPtr call) { compare(*p, call); }),
      route("GET", "/clew/v1/traces/typical", [p](CallPtr call) { typical(*p, call); }),
      route("GET", "/clew/v1/traces/{ID*}", [p](CallPtr call) { get_trace(*p, call); }),
      route("GET", "/clew/v1/goals/{ID*}", [p](CallPtr call) { get_trace(*p, call); }),
      route("POST", "/clew/v1/traces", [p](CallPtr call) { find_trace(*p, call); }),
      route("POST", "/clew/v1/goals", [p](CallPtr call) { find_trace(*p, call); }),
      route("GET", "/clew/v1/services", [p](CallPtr call) { list_operations(*p, call, ""); }),
      route("GET", "/clew/v1/services/{NAME}/operations",
            [p](CallPtr call) { list_operations(*p, call, call->names[0]); }),
      route("GET", "/clew/v1/dependencies", [p](CallPtr call) { list_dependencies(*p, call); }),
  };
}

}  // namespace clew::api
