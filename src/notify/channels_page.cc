// PagerDuty's Events API v2 and Opsgenie's Alert API: incidents that are opened, acknowledged and closed by a stable
// key.
#include <fmt/format.h>

#include "notify/exchange.h"
#include "notify/messages.h"

namespace clew::notify {
namespace {

constexpr size_t kSummaryCharacters = 1024;
constexpr size_t kMessageCharacters = 130;
constexpr size_t kPagerDutyBytesMax = 512'000;

struct Texts {
  Exchange& exchange;
  const Channel& channel;
  const Notification& n;

  Status put(Json& to, const char* member, const char* key, std::string otherwise) {
    std::string text = CLEW_TRY(exchange.text(channel, n, key, std::move(otherwise)));
    if (!text.empty()) to[member] = std::move(text);
    return {};
  }
  Status put_map(Json& to, const char* key) {
    auto pairs = channel.maps.find(key);
    if (pairs == channel.maps.end()) return {};
    for (const auto& [name, text] : pairs->second) {
      std::string value = CLEW_TRY(exchange.expanded(n, text));
      to[name] = std::move(value);
    }
    return {};
  }
};

Json incident_details(const Notification& n) {
  return {{"firing", alert_list(n.that(true))},
          {"resolved", alert_list(n.that(false))},
          {"num_firing", std::to_string(n.that(true).size())},
          {"num_resolved", std::to_string(n.that(false).size())}};
}

Result<Json> incident(Exchange& exchange, const Channel& channel, const Notification& n) {
  Texts texts{exchange, channel, n};
  Json payload = Json::object();
  CLEW_TRY(texts.put(payload, "summary", "description", subject_of(n)));
  payload["summary"] = cut_to(payload.value("summary", "alert"), kSummaryCharacters);
  CLEW_TRY(texts.put(payload, "source", channel.texts.count("source") > 0 ? "source" : "client", "Alertmanager"));
  CLEW_TRY(texts.put(payload, "severity", "severity", "error"));
  CLEW_TRY(texts.put(payload, "class", "class", ""));
  CLEW_TRY(texts.put(payload, "component", "component", ""));
  CLEW_TRY(texts.put(payload, "group", "group", ""));
  Json details = incident_details(n);
  CLEW_TRY(texts.put_map(details, "details"));
  payload["custom_details"] = std::move(details);
  return payload;
}

Result<Json> pagerduty_body(Exchange& exchange, const Channel& channel, const Notification& n) {
  Texts texts{exchange, channel, n};
  std::string key = CLEW_TRY(exchange.secret(channel, "routing_key"));
  Json body = {{"routing_key", key}, {"dedup_key", dedup_key(n.group_key)}};
  if (n.occasion == Occasion::kAcknowledged) {
    body["event_action"] = "acknowledge";
    return body;
  }
  body["event_action"] = n.firing() ? "trigger" : "resolve";
  body["payload"] = CLEW_TRY(incident(exchange, channel, n));
  CLEW_TRY(texts.put(body, "client", "client", "Alertmanager"));
  CLEW_TRY(texts.put(body, "client_url", "client_url", link_of(n)));
  for (const char* list : {"images", "links"}) {
    auto tree = channel.trees.find(list);
    if (tree == channel.trees.end()) continue;
    body[list] = CLEW_TRY(exchange.expanded_json(n, tree->second));
  }
  return body;
}

std::string opsgenie_url(const Channel& channel) {
  std::string url = channel.text("api_url");
  if (!url.ends_with('/')) url += '/';
  return url + "v2/alerts";
}

Result<Json> opsgenie_tags(Exchange& exchange, const Channel& channel, const Notification& n, const char* key) {
  std::string text = CLEW_TRY(exchange.text(channel, n, key, ""));
  Json out = Json::array();
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string one = text.substr(begin, end - begin);
    one.erase(0, one.find_first_not_of(' '));
    one.erase(one.find_last_not_of(' ') + 1);
    if (!one.empty()) out.push_back(std::move(one));
    begin = end + 1;
  }
  return out;
}

Result<Json> opsgenie_body(Exchange& exchange, const Channel& channel, const Notification& n) {
  Texts texts{exchange, channel, n};
  Json body = {{"alias", dedup_key(n.group_key)}};
  CLEW_TRY(texts.put(body, "message", "message", subject_of(n)));
  body["message"] = cut_to(body.value("message", "alert"), kMessageCharacters);
  std::string words;
  for (const auto& [name, value] : sorted_pairs(common_annotations(n))) words += (words.empty() ? "" : " ") + value;
  CLEW_TRY(texts.put(body, "description", "description", words + "\n" + both_lists(n)));
  Json details = Json(common_labels(n));
  CLEW_TRY(texts.put_map(details, "details"));
  body["details"] = std::move(details);
  CLEW_TRY(texts.put(body, "source", "source", link_of(n)));
  if (auto list = channel.trees.find("responders"); list != channel.trees.end()) {
    body["responders"] = CLEW_TRY(exchange.expanded_json(n, list->second));
  }
  body["tags"] = CLEW_TRY(opsgenie_tags(exchange, channel, n, "tags"));
  body["actions"] = CLEW_TRY(opsgenie_tags(exchange, channel, n, "actions"));
  CLEW_TRY(texts.put(body, "note", "note", ""));
  CLEW_TRY(texts.put(body, "priority", "priority", ""));
  CLEW_TRY(texts.put(body, "entity", "entity", ""));
  return body;
}

}  // namespace

Outcome send_pagerduty(Exchange& exchange, const Channel& channel, const Notification& n) {
  Result<Json> body = pagerduty_body(exchange, channel, n);
  if (!body.ok()) return Exchange::failed(body.error(), false);
  std::string text = Exchange::dumped(*body);
  if (text.size() > kPagerDutyBytesMax && body->contains("payload")) {
    (*body)["payload"]["custom_details"] = {{"error", "the details are more than PagerDuty takes: see the link"}};
    text = Exchange::dumped(*body);
  }
  return exchange.post(channel, n, {.url = channel.text("url"), .body = text, .headers = {}}).outcome;
}

Outcome send_opsgenie(Exchange& exchange, const Channel& channel, const Notification& n) {
  Result<std::string> key = exchange.secret(channel, "api_key");
  if (!key.ok()) return Exchange::failed(key.error(), false);
  Exchange::Post post{.url = opsgenie_url(channel), .body = {}, .headers = {{"Authorization", "GenieKey " + *key}}};
  std::string of_alias = "/" + dedup_key(n.group_key);
  if (n.occasion == Occasion::kAcknowledged || !n.firing()) {
    Result<std::string> source = exchange.text(channel, n, "source", link_of(n));
    if (!source.ok()) return Exchange::failed(source.error(), false);
    Json body = {{"source", *source}};
    if (!n.by.empty()) body["user"] = n.by;
    post.url +=
        of_alias + (n.occasion == Occasion::kAcknowledged ? "/acknowledge" : "/close") + "?identifierType=alias";
    post.body = Exchange::dumped(body);
    return exchange.post(channel, n, post).outcome;
  }
  Result<Json> body = opsgenie_body(exchange, channel, n);
  if (!body.ok()) return Exchange::failed(body.error(), false);
  post.body = Exchange::dumped(*body);
  Outcome made = exchange.post(channel, n, post).outcome;
  if (!made.ok || !channel.flag("update_alerts", false)) return made;
  for (const char* part : {"message", "description"}) {
    if (!body->contains(part)) continue;
    Exchange::Post update{.method = "PUT",
                          .url = opsgenie_url(channel) + of_alias + "/" + part + "?identifierType=alias",
                          .body = Exchange::dumped({{part, (*body)[part]}}),
                          .headers = post.headers};
    Outcome updated = exchange.post(channel, n, update).outcome;
    if (!updated.ok) return updated;
  }
  return made;
}

}  // namespace clew::notify
