// Our own of notification: groups with who takes care of them, acknowledgement, deliveries, a test of a receiver.
#include <algorithm>

#include "api/json_body.h"
#include "api/routes.h"
#include "notify/notifier.h"

namespace clew::api {
namespace {

Json delivery_json(const notify::Delivery& d) {
  Json out = {{"time", rfc3339(d.at.get())},
              {"receiver", d.receiver},
              {"channel", d.channel},
              {"index", d.index},
              {"group", d.group_key},
              {"firing", d.firing},
              {"resolved", d.resolved},
              {"attempt", d.attempt},
              {"ok", d.ok},
              {"again", d.again}};
  out["status"] = d.status;
  if (!d.error.empty()) out["error"] = d.error;
  return out;
}

Json group_json(const notify::GroupState& group) {
  Json alerts = Json::array();
  for (const notify::AlertState& a : group.alerts) {
    alerts.push_back({{"labels", a.alert.alert.labels},
                      {"annotations", a.alert.alert.annotations},
                      {"starts_at", rfc3339(a.alert.alert.starts_at.get())},
                      {"fingerprint", notify::fingerprint_text(a.alert.fingerprint)},
                      {"silenced_by", a.muting.silenced_by},
                      {"inhibited_by", a.muting.inhibited_by}});
  }
  Json out = {
      {"group", group.key}, {"receiver", group.receiver}, {"labels", group.labels}, {"alerts", std::move(alerts)}};
  if (!group.escalate_to.empty()) out["escalate_to"] = group.escalate_to;
  out["escalated"] = group.care && group.care->escalated;
  if (group.care && group.care->acked()) {
    out["acknowledged"] = {{"by", group.care->acked_by},
                           {"at", rfc3339(group.care->acked_at.get())},
                           {"comment", group.care->ack_comment}};
  }
  return out;
}

Result<Json> list_groups(notify::Notifier& notifier, const CallPtr&) {
  Json list = Json::array();
  for (const notify::GroupState& group : notifier.groups()) list.push_back(group_json(group));
  return Json{{"groups", std::move(list)}};
}

Result<Json> acknowledge(notify::Notifier& notifier, const CallPtr& call) {
  Json body = CLEW_TRY(parse_object(call->request().body, {"group", "by", "comment"}));
  std::optional<std::string> group = CLEW_TRY(text_member(body, "group"));
  std::optional<std::string> by = CLEW_TRY(text_member(body, "by"));
  std::optional<std::string> comment = CLEW_TRY(text_member(body, "comment"));
  if (!group) return Error(Code::kInvalid, "group: say which one, as GET /clew/v1/alerts/groups names it");
  if (!by || by->empty()) return Error(Code::kInvalid, "by: say who takes care of it");
  CLEW_TRY(notifier.acknowledge(*group, *by, comment.value_or("")));
  return Json{{"acknowledged", *group}};
}

Result<Json> list_deliveries(notify::Notifier& notifier, const CallPtr& call) {
  std::string_view receiver = call->request().param("receiver");
  Json list = Json::array();
  for (const notify::Delivery& d : notifier.deliveries()) {
    if (receiver.empty() || d.receiver == receiver) list.push_back(delivery_json(d));
  }
  std::reverse(list.begin(), list.end());
  return Json{{"deliveries", std::move(list)}};
}

Result<Json> list_receivers(notify::Notifier& notifier, const CallPtr&) {
  Json list = Json::array();
  notify::ConfigPtr config = notifier.config();
  for (const auto& [name, receiver] : config->receivers) {
    Json channels = Json::array();
    for (const notify::Channel& channel : receiver.channels) {
      channels.push_back({{"channel", notify::channel_name(channel.kind)},
                          {"index", channel.index},
                          {"line", channel.line},
                          {"send_resolved", channel.send_resolved}});
    }
    list.push_back({{"name", name}, {"channels", std::move(channels)}});
  }
  return Json{{"receivers", std::move(list)}};
}

Result<Json> test_receiver(notify::Notifier& notifier, const CallPtr& call) {
  std::vector<notify::Delivery> tried = CLEW_TRY(notifier.test_receiver(call->names[0]));
  Json list = Json::array();
  for (const notify::Delivery& d : tried) list.push_back(delivery_json(d));
  return Json{{"deliveries", std::move(list)}};
}

}  // namespace

std::vector<Route> notify_routes(ServerParts& parts) {
  if (parts.notifier == nullptr) return {};
  using Work = Result<Json> (*)(notify::Notifier&, const CallPtr&);
  auto route = [&parts](const char* method, const char* pattern, Need need, Work work) {
    return Route{method, pattern, need, Place::kPool, ErrorShape::kClew, [&parts, work](const CallPtr& call) {
                   Result<Json> body = work(*parts.notifier, call);
                   if (!body.ok()) return answer_error(*call, ErrorShape::kClew, body.error());
                   call->exchange->answer({.headers = {}, .body = dump_json(*body) + "\n"});
                 }};
  };
  return {
      route("GET", "/clew/v1/alerts/groups", Need::kRead, list_groups),
      route("POST", "/clew/v1/alerts/ack", Need::kAdmin, acknowledge),
      route("GET", "/clew/v1/alerts/deliveries", Need::kRead, list_deliveries),
      route("GET", "/clew/v1/alerts/receivers", Need::kRead, list_receivers),
      route("POST", "/clew/v1/alerts/receivers/{NAME}/test", Need::kAdmin, test_receiver),
  };
}

}  // namespace clew::api
