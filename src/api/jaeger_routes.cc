// The query API of Jaeger, as Jaeger UI and Grafana call it: /jaeger/api/...
#include <nlohmann/json.hpp>

#include "api/jaeger_json.h"
#include "api/json_body.h"
#include "api/json_writer.h"
#include "api/routes.h"
#include "api/trace_params.h"
#include "net/status.h"
#include "trace/finder.h"
#include "trace/search.h"
#include "trace/services.h"

namespace clew::api {
namespace {

constexpr int64_t kMicro = 1000;
constexpr int64_t kMilli = 1'000'000;
constexpr uint64_t kLimitDefault = 20;
constexpr uint64_t kTimeMax = 9'223'372'036'854'775;  // microseconds that fit
constexpr uint64_t kLookbackDefault = 24ull * 3600 * 1000;
constexpr size_t kTracesNamedMax = 100;

// {"data":..,"total":n,"limit":0,"offset":0,"errors":null}
void answer_data(const CallPtr& call, const std::string& data, size_t total) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("data");
  json.raw(data);
  json.member("total", static_cast<int64_t>(total));
  json.member("limit", 0);
  json.member("offset", 0);
  json.key("errors");
  json.null();
  json.end_object();
  call->exchange->answer({.headers = {}, .body = std::move(body)});
}

void answer_problem(const CallPtr& call, const Error& error) {
  int status = net::http_status(error.code());
  Json body = {{"data", nullptr},
               {"total", 0},
               {"limit", 0},
               {"offset", 0},
               {"errors", {{{"code", status}, {"msg", error.message()}}}}};
  call->exchange->answer({.status = status, .headers = {}, .body = dump_json(body)});
}

Result<std::vector<trace::OperationCount>> operations(ServerParts& parts, const CallPtr& call,
                                                      const std::string& service) {
  return trace::count_operations(parts.store, call->access, {}, service, stop_of_client(call));
}

void list_services(ServerParts& parts, const CallPtr& call) {
  auto counts = operations(parts, call, "");
  if (!counts.ok()) return answer_problem(call, counts.error());
  Json names = Json::array();
  for (const trace::OperationCount& c : *counts) names.push_back(c.name);
  answer_data(call, dump_json(names), names.size());
}

void list_operation_names(ServerParts& parts, const CallPtr& call) {
  auto counts = operations(parts, call, call->names[0]);
  if (!counts.ok()) return answer_problem(call, counts.error());
  Json names = Json::array();
  for (const trace::OperationCount& c : *counts) {
    if (names.empty() || names.back() != c.name) names.push_back(c.name);
  }
  answer_data(call, dump_json(names), names.size());
}

void list_operations(ServerParts& parts, const CallPtr& call) {
  std::string service(call->request().param("service"));
  std::string_view kind = call->request().param("spanKind");
  if (service.empty()) return answer_problem(call, Error(Code::kInvalid, "the parameter service is missing"));
  auto counts = operations(parts, call, service);
  if (!counts.ok()) return answer_problem(call, counts.error());
  Json list = Json::array();
  for (const trace::OperationCount& c : *counts) {
    std::string known = c.kind == "unspecified" ? "" : c.kind;
    if (kind.empty() || kind == known) list.push_back({{"name", c.name}, {"spanKind", known}});
  }
  answer_data(call, dump_json(list), list.size());
}

// --- traces ----------------------------------------------------------------------------------------------------------

Result<trace::Trace> load(ServerParts& parts, const CallPtr& call, std::string_view id) {
  trace::FindOptions options{.access = call->access, .range = {}, .attributes = true, .assemble = {}};
  options.assemble.correct_clocks = !flag_param(call->request(), "raw", false);
  return trace::Finder(parts.store).by_trace_id(id, options, stop_of_client(call));
}

// `error` and `span.kind` are tags to Jaeger, and fields of their own here.
void add_tag(const std::string& name, const std::string& value, trace::SearchSpec& spec) {
  if (name == "error" && value == "true")
    spec.outcome = trace::Outcome::kFailed;
  else if (name == "span.kind")
    spec.tags.emplace_back("kind", value);
  else if (name == "otel.library.name" || name == "otel.scope.name")
    spec.tags.emplace_back("scope.name", value);
  else
    spec.tags.emplace_back(name, value);
}

Status read_tags(const net::Request& request, trace::SearchSpec& spec) {
  for (const auto& [name, value] : request.query) {
    if (name == "tag") {
      size_t colon = value.find(':');
      if (colon == value.npos) return Error(Code::kInvalid, "tag: expected NAME:VALUE");
      add_tag(value.substr(0, colon), value.substr(colon + 1), spec);
    }
    if (name != "tags" || value.empty()) continue;
    Json tags = Json::parse(value, nullptr, false);
    if (!tags.is_object()) return Error(Code::kInvalid, "tags: expected a JSON object");
    for (const auto& [key, v] : tags.items()) add_tag(key, v.is_string() ? v.get<std::string>() : v.dump(), spec);
  }
  return {};
}

Result<trace::SearchSpec> read_search(const CallPtr& call) {
  const net::Request& request = call->request();
  trace::SearchSpec spec;
  spec.access = call->access;
  spec.service = request.param("service");
  spec.operation = request.param("operation");
  if (spec.operation == "all") spec.operation.clear();
  uint64_t start = CLEW_TRY(number_param(request, "start", 0, kTimeMax));
  uint64_t end = CLEW_TRY(number_param(request, "end", 0, kTimeMax - 1));
  if (start != 0) spec.range.from = static_cast<int64_t>(start) * kMicro;
  if (end != 0) spec.range.to = static_cast<int64_t>(end + 1) * kMicro;
  if (!request.param("minDuration").empty()) {
    spec.duration_min = CLEW_TRY(parse_span_duration(request.param("minDuration"), kMicro));
  }
  if (!request.param("maxDuration").empty()) {
    spec.duration_max = CLEW_TRY(parse_span_duration(request.param("maxDuration"), kMicro));
  }
  CLEW_TRY(read_tags(request, spec));
  uint64_t limit = CLEW_TRY(number_param(request, "limit", kLimitDefault, UINT32_MAX));
  spec.limit = static_cast<uint32_t>(std::min<uint64_t>(limit == 0 ? kLimitDefault : limit, trace::kTracesFoundMax));
  return spec;
}

void answer_traces(ServerParts& parts, const CallPtr& call, const std::vector<std::string>& ids, bool all_or_404) {
  std::string data;
  JsonWriter json(data);
  size_t total = 0;
  json.begin_array();
  for (const std::string& id : ids) {
    Result<trace::Trace> found = load(parts, call, id);
    bool missing = !found.ok() && found.error().code() == Code::kNotFound;
    if (missing && all_or_404) return answer_problem(call, Error(Code::kNotFound, "trace not found"));
    if (missing) continue;
    if (!found.ok()) return answer_problem(call, found.error());
    append_jaeger_trace(*found, json);
    ++total;
  }
  json.end_array();
  answer_data(call, data, total);
}

void search(ServerParts& parts, const CallPtr& call) {
  std::vector<std::string> ids;
  for (const auto& [name, value] : call->request().query) {
    if (name == "traceID" && ids.size() < kTracesNamedMax) ids.push_back(value);
  }
  if (!ids.empty()) return answer_traces(parts, call, ids, false);
  Result<trace::SearchSpec> spec = read_search(call);
  if (!spec.ok()) return answer_problem(call, spec.error());
  Result<trace::SearchAnswer> found =
      trace::search_traces(parts.store, *spec, parts.engine.pool(), stop_of_client(call));
  if (!found.ok()) return answer_problem(call, found.error());
  for (const trace::Summary& summary : found->traces) ids.push_back(summary.trace_id);
  answer_traces(parts, call, ids, false);
}

void get_trace(ServerParts& parts, const CallPtr& call) { answer_traces(parts, call, {call->names[0]}, true); }

void list_dependencies(ServerParts& parts, const CallPtr& call) {
  const net::Request& request = call->request();
  uint64_t now_ms = static_cast<uint64_t>(parts.clock.now().get() / kMilli);
  Result<uint64_t> end_ms = number_param(request, "endTs", now_ms, kTimeMax / 1000);
  if (!end_ms.ok()) return answer_problem(call, end_ms.error());
  Result<uint64_t> lookback_ms = number_param(request, "lookback", kLookbackDefault, kTimeMax / 1000);
  if (!lookback_ms.ok()) return answer_problem(call, lookback_ms.error());
  contract::TimeRange range;
  range.to = static_cast<int64_t>(*end_ms) * kMilli;
  range.from = range.to - static_cast<int64_t>(std::min(*lookback_ms, *end_ms)) * kMilli;
  auto found = trace::find_dependencies(parts.store, call->access, range, stop_of_client(call));
  if (!found.ok()) return answer_problem(call, found.error());
  Json list = Json::array();
  for (const trace::Dependency& d : *found) {
    list.push_back({{"parent", d.parent}, {"child", d.child}, {"callCount", d.calls}});
  }
  answer_data(call, dump_json(list), list.size());
}

}  // namespace

std::vector<Route> jaeger_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  auto route = [](const char* pattern, Handler handler) {
    return Route{"GET", pattern, Need::kRead, Place::kPool, ErrorShape::kClew, std::move(handler)};
  };
  return {
      route("/jaeger/api/services", [p](CallPtr call) { list_services(*p, call); }),
      route("/jaeger/api/services/{NAME}/operations", [p](CallPtr call) { list_operation_names(*p, call); }),
      route("/jaeger/api/operations", [p](CallPtr call) { list_operations(*p, call); }),
      route("/jaeger/api/traces", [p](CallPtr call) { search(*p, call); }),
      route("/jaeger/api/traces/{ID}", [p](CallPtr call) { get_trace(*p, call); }),
      route("/jaeger/api/dependencies", [p](CallPtr call) { list_dependencies(*p, call); }),
  };
}

}  // namespace clew::api
