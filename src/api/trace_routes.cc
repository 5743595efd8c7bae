// One request as a tree: /clew/v1/traces and /clew/v1/goals.
#include "api/json_body.h"
#include "api/routes.h"
#include "api/trace_json.h"
#include "trace/finder.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

// Stops the work when the client goes away.
std::stop_token stop_when_gone(const CallPtr& call) {
  auto stop = std::make_shared<std::stop_source>();
  call->exchange->on_disconnect([stop] { stop->request_stop(); });
  return stop->get_token();
}

bool flag_param(const net::Request& request, std::string_view name, bool otherwise) {
  if (!request.has_param(name)) return otherwise;
  std::string_view value = request.param(name);
  return value != "false" && value != "0";
}

void answer_trace(ServerParts& parts, const CallPtr& call, const std::string& reference, TraceJsonOptions shown,
                  bool raw_times) {
  trace::FindOptions options{.access = call->access, .range = {}, .attributes = shown.attributes, .assemble = {}};
  options.assemble.correct_clocks = !raw_times;
  trace::Finder finder(parts.store);
  Result<trace::Trace> found = finder.find(reference, options, stop_when_gone(call));
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  net::Response response{.headers = {}, .body = {}};
  append_trace_json(*found, shown, response.body);
  response.body += "\n";
  call->exchange->answer(std::move(response));
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

}  // namespace

std::vector<Route> trace_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  Handler get = [p](CallPtr call) { get_trace(*p, call); };
  Handler find = [p](CallPtr call) { find_trace(*p, call); };
  auto route = [](const char* method, const char* pattern, const Handler& handler) {
    return Route{method, pattern, Need::kRead, Place::kPool, kShape, handler};
  };
  return {
      route("GET", "/clew/v1/traces/{ID*}", get),
      route("GET", "/clew/v1/goals/{ID*}", get),
      route("POST", "/clew/v1/traces", find),
      route("POST", "/clew/v1/goals", find),
  };
}

}  // namespace clew::api
