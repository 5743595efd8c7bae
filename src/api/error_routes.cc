// Events in groups: /clew/v1/errors and /clew/v1/patterns.
#include "api/query_json.h"
#include "api/routes.h"
#include "explore/groups.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr uint32_t kTopDefault = 50;

std::string time_text(const model::Value& time) { return time.is_null() ? std::string() : rfc3339(time.i64()); }

Json group_json(const explore::ErrorGroup& group) {
  Json services = value_json(group.services);
  return {{"fingerprint", group.fingerprint},
          {"type", value_json(group.type)},
          {"message", value_json(group.message)},
          {"events", group.events},
          {"first_seen", time_text(group.first_seen)},
          {"last_seen", time_text(group.last_seen)},
          {"services", services.is_array() ? services : Json::array()}};
}

// The members of a body, or of GET's address.
Result<Json> asked_json(const net::Request& request, std::initializer_list<std::string_view> members) {
  if (request.method == "POST") return parse_object(request.body, members);
  Json out = Json::object();
  for (const auto& [name, value] : request.query) {
    bool number = name == "top" || name == "timeout_ms";
    out[name] = number ? Json::parse(value, nullptr, false) : Json(value);
  }
  return parse_object(dump_json(out), members);
}

Result<explore::Answer<Json>> errors(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(asked_json(call->request(), {"query", "from", "to", "since", "timeout_ms", "top"}));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  std::optional<uint64_t> top = CLEW_TRY(number_member(body, "top", explore::kGroupsMax));
  auto made = explore::error_groups(parts.engine, question, static_cast<uint32_t>(top.value_or(kTopDefault)));
  if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(*failure);
  const explore::ErrorGroups& found = std::get<explore::ErrorGroups>(made);
  Json out = {{"events", found.events}, {"groups", Json::array()}};
  for (const explore::ErrorGroup& group : found.groups) out["groups"].push_back(group_json(group));
  add_cost(found.cost, out);
  return explore::Answer<Json>(std::move(out));
}

Result<explore::Answer<Json>> patterns(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(asked_json(call->request(), {"query", "from", "to", "since", "timeout_ms", "top", "field"}));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  std::optional<uint64_t> top = CLEW_TRY(number_member(body, "top", explore::kGroupsMax));
  std::optional<std::string> field = CLEW_TRY(text_member(body, "field"));
  auto made = explore::patterns(parts.engine, question, field.value_or("message"),
                                static_cast<uint32_t>(top.value_or(kTopDefault)));
  if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(*failure);
  const explore::Patterns& found = std::get<explore::Patterns>(made);
  Json out = {{"events", found.events}, {"shapes", found.shapes}, {"patterns", Json::array()}};
  for (const explore::Pattern& one : found.patterns) {
    double share = found.events == 0 ? 0 : static_cast<double>(one.events) / static_cast<double>(found.events);
    out["patterns"].push_back({{"pattern", one.shape},
                               {"events", one.events},
                               {"share", share},
                               {"first_seen", time_text(one.first_seen)},
                               {"last_seen", time_text(one.last_seen)},
                               {"sample", one.samples}});
  }
  add_cost(found.cost, out);
  return explore::Answer<Json>(std::move(out));
}

}  // namespace

std::vector<Route> error_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  auto route = [p](const char* method, const char* pattern, auto handler) {
    return Route{method,       pattern, Need::kRead,
                 Place::kPool, kShape,  [p, handler](CallPtr call) { answer_with(*p, call, kShape, handler); }};
  };
  return {route("GET", "/clew/v1/errors", errors), route("POST", "/clew/v1/errors", errors),
          route("GET", "/clew/v1/patterns", patterns), route("POST", "/clew/v1/patterns", patterns)};
}

}  // namespace clew::api
