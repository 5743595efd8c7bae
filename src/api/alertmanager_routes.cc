// Alertmanager's API, version 2: Prometheus posts alerts here, amtool and pages of others ask and silence.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/json_body.h"
#include "api/routes.h"
#include "notify/notifier.h"

namespace clew::api {
namespace {

using notify::AlertState;
using notify::GroupState;
using notify::Notifier;
using notify::Silence;

constexpr size_t kAlertsPerPostMax = 100'000;

void answer(const CallPtr& call, int status, const Json& body) {
  call->exchange->answer({.status = status, .headers = {}, .body = dump_json(body) + "\n"});
}

// Alertmanager's errors are a JSON string.
void answer_failure(const CallPtr& call, const Error& error) {
  bool theirs = error.code() == Code::kInvalid || error.code() == Code::kLimit || error.code() == Code::kTooLarge;
  answer(call, error.code() == Code::kNotFound ? 404 : theirs ? 400 : 503, Json(error.message()));
}

// --- what is asked for -----------------------------------------------------------------------------------------------

struct AlertFilter {
  bool active = true;
  bool silenced = true;
  bool inhibited = true;
  notify::Matchers matchers;
  std::optional<notify::Matcher> receiver;

  bool takes_receiver(const std::string& name) const { return !receiver || receiver->matches_value(name); }
  bool takes(const AlertState& alert) const {
    if (!active && !alert.muting.any()) return false;
    if (!silenced && !alert.muting.silenced_by.empty()) return false;
    if (!inhibited && !alert.muting.inhibited_by.empty()) return false;
    return all_match(matchers, alert.alert.alert.labels);
  }
};

Result<notify::Matchers> read_filters(const net::Request& request) {
  notify::Matchers out;
  for (const auto& [name, value] : request.query) {
    if (name != "filter") continue;
    notify::Matcher one = CLEW_TRY(notify::parse_matcher(value));
    out.push_back(std::move(one));
  }
  return out;
}

Result<AlertFilter> read_filter(const net::Request& request) {
  AlertFilter filter;
  filter.active = request.param("active") != "false";
  filter.silenced = request.param("silenced") != "false";
  filter.inhibited = request.param("inhibited") != "false";
  filter.matchers = CLEW_TRY(read_filters(request));
  if (!request.param("receiver").empty()) {
    std::string text = "^(?:" + std::string(request.param("receiver")) + ")$";
    filter.receiver = CLEW_TRY(notify::Matcher::make("receiver", notify::MatchKind::kRegex, std::move(text)));
  }
  return filter;
}

// --- what is answered ------------------------------------------------------------------------------------------------

Json alert_json(const AlertState& state) {
  const contract::Alert& alert = state.alert.alert;
  Json receivers = Json::array();
  std::set<std::string> seen;
  for (const std::string& name : state.receivers) {
    if (seen.insert(name).second) receivers.push_back({{"name", name}});
  }
  return {{"annotations", alert.annotations},
          {"endsAt", rfc3339(alert.ends_at.get())},
          {"fingerprint", notify::fingerprint_text(state.alert.fingerprint)},
          {"receivers", std::move(receivers)},
          {"startsAt", rfc3339(alert.starts_at.get())},
          {"status",
           {{"inhibitedBy", state.muting.inhibited_by},
            {"silencedBy", state.muting.silenced_by},
            {"state", state.muting.any() ? "suppressed" : "active"}}},
          {"updatedAt", rfc3339(state.alert.updated_at.get())},
          {"generatorURL", alert.generator_url},
          {"labels", alert.labels}};
}

Json silence_json(const Silence& silence, UnixNanos now) {
  Json matchers = Json::array();
  for (const notify::Matcher& m : silence.matchers) {
    matchers.push_back(
        {{"isEqual", m.is_equal()}, {"isRegex", m.is_regex()}, {"name", m.name()}, {"value", m.value()}});
  }
  Json out = {{"id", silence.id},
              {"status", {{"state", notify::silence_state_name(silence.state(now))}}},
              {"updatedAt", rfc3339(silence.updated_at.get())},
              {"comment", silence.comment},
              {"createdBy", silence.created_by},
              {"endsAt", rfc3339(silence.ends_at.get())},
              {"matchers", std::move(matchers)},
              {"startsAt", rfc3339(silence.starts_at.get())}};
  if (!silence.windows_json.empty()) out["windows"] = Json::parse(silence.windows_json, nullptr, false);
  return out;
}

// --- alerts ----------------------------------------------------------------------------------------------------------

Result<notify::Labels> read_labels(const Json& alert, const char* name) {
  notify::Labels out;
  auto member = alert.find(name);
  if (member == alert.end() || member->is_null()) return out;
  if (!member->is_object()) return Error(Code::kInvalid, std::string(name) + ": expected an object");
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) return Error(Code::kInvalid, std::string(name) + "." + key + ": expected a text");
    out[key] = value.get<std::string>();
  }
  return out;
}

Result<UnixNanos> read_time(const Json& object, const char* name, int64_t now) {
  std::optional<std::string> text = CLEW_TRY(text_member(object, name));
  if (!text || text->empty() || text->starts_with("0001-01-01T00:00:00")) return UnixNanos(0);
  Result<int64_t> at = parse_moment(*text, now);
  if (!at.ok()) return std::move(at).error().at(name);
  return UnixNanos(*at);
}

Result<contract::Alert> read_alert(const Json& json, int64_t now) {
  if (!json.is_object()) return Error(Code::kInvalid, "expected a list of objects with labels");
  contract::Alert alert;
  alert.labels = CLEW_TRY(read_labels(json, "labels"));
  alert.annotations = CLEW_TRY(read_labels(json, "annotations"));
  alert.starts_at = CLEW_TRY(read_time(json, "startsAt", now));
  alert.ends_at = CLEW_TRY(read_time(json, "endsAt", now));
  std::optional<std::string> url = CLEW_TRY(text_member(json, "generatorURL"));
  alert.generator_url = url.value_or("");
  return alert;
}

Result<std::vector<contract::Alert>> read_alerts(std::string_view body, int64_t now) {
  Json list = Json::parse(body, nullptr, false);
  if (!list.is_array()) return Error(Code::kInvalid, "expected a JSON list of alerts");
  if (list.size() > kAlertsPerPostMax) {
    return Error(Code::kTooLarge, fmt::format("more than {} alerts in one post", kAlertsPerPostMax));
  }
  std::vector<contract::Alert> alerts;
  for (const Json& one : list) {
    Result<contract::Alert> alert = read_alert(one, now);
    if (!alert.ok()) return std::move(alert).error().at(fmt::format("alert {}", alerts.size()));
    alerts.push_back(std::move(alert).take());
  }
  return alerts;
}

void post_alerts(Notifier& notifier, const CallPtr& call) {
  Result<std::vector<contract::Alert>> alerts = read_alerts(call->request().body, notifier.now().get());
  if (!alerts.ok()) return answer_failure(call, alerts.error());
  Result<std::vector<std::string>> refused = notifier.take(*alerts);
  if (!refused.ok()) return answer_failure(call, refused.error());
  if (refused->empty()) return call->exchange->answer({.headers = {}, .body = {}});
  std::string text;
  for (const std::string& reason : *refused) text += (text.empty() ? "" : "; ") + reason;
  answer(call, 400, Json(text));
}

void get_alerts(Notifier& notifier, const CallPtr& call) {
  Result<AlertFilter> filter = read_filter(call->request());
  if (!filter.ok()) return answer_failure(call, filter.error());
  Json list = Json::array();
  for (const AlertState& alert : notifier.alerts()) {
    bool receiver = std::any_of(alert.receivers.begin(), alert.receivers.end(),
                                [&](const std::string& name) { return filter->takes_receiver(name); });
    if (receiver && filter->takes(alert)) list.push_back(alert_json(alert));
  }
  answer(call, 200, list);
}

void get_groups(Notifier& notifier, const CallPtr& call) {
  Result<AlertFilter> filter = read_filter(call->request());
  if (!filter.ok()) return answer_failure(call, filter.error());
  Json list = Json::array();
  for (const GroupState& group : notifier.groups()) {
    if (!filter->takes_receiver(group.receiver)) continue;
    Json alerts = Json::array();
    for (const AlertState& alert : group.alerts) {
      if (filter->takes(alert)) alerts.push_back(alert_json(alert));
    }
    if (alerts.empty()) continue;
    list.push_back({{"alerts", std::move(alerts)}, {"labels", group.labels}, {"receiver", {{"name", group.receiver}}}});
  }
  answer(call, 200, list);
}

// --- silences --------------------------------------------------------------------------------------------------------

Result<notify::Matcher> read_matcher(const Json& json) {
  if (!json.is_object()) return Error(Code::kInvalid, "matchers: expected objects with name and value");
  std::optional<std::string> name = CLEW_TRY(text_member(json, "name"));
  std::optional<std::string> value = CLEW_TRY(text_member(json, "value"));
  bool regex = CLEW_TRY(bool_member(json, "isRegex", false));
  bool equal = CLEW_TRY(bool_member(json, "isEqual", true));
  if (!name || !value) return Error(Code::kInvalid, "matchers: name and value are needed");
  notify::MatchKind kind = regex ? (equal ? notify::MatchKind::kRegex : notify::MatchKind::kNotRegex)
                                 : (equal ? notify::MatchKind::kEqual : notify::MatchKind::kNotEqual);
  return notify::Matcher::make(*name, kind, *value);
}

Status read_windows(const Json& json, Silence& to) {
  auto member = json.find("windows");
  if (member == json.end() || member->is_null()) return {};
  std::string text = dump_json(*member);
  yaml::Mistakes wrong;
  to.windows = notify::read_time_intervals(yaml::parse_yaml(text, wrong), wrong);
  if (!wrong.empty()) return Error(Code::kInvalid, "windows: " + wrong.front().message);
  if (!to.windows.empty()) to.windows_json = std::move(text);
  return {};
}

Result<Silence> read_silence(std::string_view body, UnixNanos now) {
  Json json = CLEW_TRY(parse_object(
      body, {"id", "matchers", "startsAt", "endsAt", "createdBy", "comment", "windows", "status", "updatedAt"}));
  Silence out;
  std::optional<std::string> id = CLEW_TRY(text_member(json, "id"));
  std::optional<std::string> by = CLEW_TRY(text_member(json, "createdBy"));
  std::optional<std::string> comment = CLEW_TRY(text_member(json, "comment"));
  out.id = id.value_or("");
  out.created_by = by.value_or("");
  out.comment = comment.value_or("");
  out.starts_at = CLEW_TRY(read_time(json, "startsAt", now.get()));
  out.ends_at = CLEW_TRY(read_time(json, "endsAt", now.get()));
  auto matchers = json.find("matchers");
  if (matchers != json.end() && matchers->is_array()) {
    for (const Json& one : *matchers) {
      notify::Matcher matcher = CLEW_TRY(read_matcher(one));
      out.matchers.push_back(std::move(matcher));
    }
  }
  CLEW_TRY(read_windows(json, out));
  if (out.starts_at >= out.ends_at) {
    return Error(Code::kInvalid, "failed to create silence: start time must be before end time");
  }
  if (out.ends_at < now) return Error(Code::kInvalid, "failed to create silence: end time can't be in the past");
  return out;
}

void post_silence(Notifier& notifier, const CallPtr& call) {
  Result<Silence> silence = read_silence(call->request().body, notifier.now());
  if (!silence.ok()) return answer_failure(call, silence.error());
  Result<std::string> id = notifier.set_silence(std::move(silence).take());
  if (!id.ok()) return answer_failure(call, id.error());
  answer(call, 200, {{"silenceID", *id}});
}

// True where the silence has a matcher that says the same as each of the filter's, or that the filter's takes.
bool silence_fits(const Silence& silence, const notify::Matchers& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const notify::Matcher& f) {
    return std::any_of(silence.matchers.begin(), silence.matchers.end(), [&](const notify::Matcher& m) {
      return m == f || (m.name() == f.name() && f.matches_value(m.value()));
    });
  });
}

void get_silences(Notifier& notifier, const CallPtr& call) {
  Result<notify::Matchers> filters = read_filters(call->request());
  if (!filters.ok()) return answer_failure(call, filters.error());
  std::vector<Silence> silences = notifier.silences();
  UnixNanos now = notifier.now();
  std::stable_sort(silences.begin(), silences.end(), [now](const Silence& a, const Silence& b) {
    auto order = [now](const Silence& s) {
      switch (s.state(now)) {
        case notify::SilenceState::kActive: return std::pair(0, s.ends_at.get());
        case notify::SilenceState::kPending: return std::pair(1, s.starts_at.get());
        case notify::SilenceState::kExpired: return std::pair(2, -s.ends_at.get());
      }
      return std::pair(3, int64_t{0});
    };
    return order(a) < order(b);
  });
  Json list = Json::array();
  for (const Silence& silence : silences) {
    if (silence_fits(silence, *filters)) list.push_back(silence_json(silence, now));
  }
  answer(call, 200, list);
}

void get_silence(Notifier& notifier, const CallPtr& call) {
  std::optional<Silence> silence = notifier.silence(call->names[0]);
  if (!silence) return answer(call, 404, Json("silence not found"));
  answer(call, 200, silence_json(*silence, notifier.now()));
}

void delete_silence(Notifier& notifier, const CallPtr& call) {
  Status done = notifier.expire_silence(call->names[0]);
  if (!done.ok()) return answer_failure(call, done.error());
  call->exchange->answer({.headers = {}, .body = {}});
}

// --- the whole -------------------------------------------------------------------------------------------------------

void get_status(Notifier& notifier, const std::string& version, const CallPtr& call) {
  Json info = {{"branch", ""},    {"buildDate", ""}, {"buildUser", ""},
               {"goVersion", ""}, {"revision", ""},  {"version", "clew " + version}};
  answer(call, 200,
         {{"cluster", {{"status", "disabled"}, {"peers", Json::array()}}},
          {"config", {{"original", notifier.config()->shown}}},
          {"uptime", rfc3339(notifier.started_at().get())},
          {"versionInfo", std::move(info)}});
}

void get_receivers(Notifier& notifier, const CallPtr& call) {
  Json list = Json::array();
  for (const auto& [name, receiver] : notifier.config()->receivers) list.push_back({{"name", name}});
  answer(call, 200, list);
}

}  // namespace

std::vector<Route> alertmanager_routes(ServerParts& parts) {
  if (parts.notifier == nullptr) return {};
  std::vector<Route> out;
  using Work = void (*)(Notifier&, const CallPtr&);
  auto add = [&](const char* method, const char* path, Need need, Work work, Place place = Place::kPool) {
    for (const char* prefix : {"", "/alertmanager"}) {
      out.push_back({.method = method,
                     .pattern = std::string(prefix) + "/api/v2" + path,
                     .need = need,
                     .place = place,
                     .errors = ErrorShape::kText,
                     .handler = [&parts, work](const CallPtr& call) { work(*parts.notifier, call); }});
    }
  };
  add("POST", "/alerts", Need::kIngest, post_alerts, Place::kHere);  // queries that wait hold no alert up
  add("GET", "/alerts", Need::kRead, get_alerts);
  add("GET", "/alerts/groups", Need::kRead, get_groups);
  add("GET", "/silences", Need::kRead, get_silences);
  add("POST", "/silences", Need::kAdmin, post_silence);
  add("GET", "/silence/{ID}", Need::kRead, get_silence);
  add("DELETE", "/silence/{ID}", Need::kAdmin, delete_silence);
  add("GET", "/receivers", Need::kRead, get_receivers);
  for (const char* path : {"/api/v2/status", "/alertmanager/api/v2/status"}) {
    out.push_back({.method = "GET",
                   .pattern = path,
                   .need = Need::kRead,
                   .place = Place::kHere,
                   .errors = ErrorShape::kText,
                   .handler = [&parts](const CallPtr& call) { get_status(*parts.notifier, parts.version, call); }});
  }
  for (const char* path : {"/alertmanager/-/ready", "/alertmanager/-/healthy"}) {
    out.push_back({.method = "GET",
                   .pattern = path,
                   .need = Need::kNothing,
                   .place = Place::kHere,
                   .errors = ErrorShape::kText,
                   .handler = [](const CallPtr& call) {
                     call->exchange->answer({.content_type = "text/plain", .headers = {}, .body = "OK"});
                   }});
  }
  return out;
}

}  // namespace clew::api
