// Prometheus' HTTP API: rules, alerts, and what a server says of itself.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <tuple>

#include "alert/rules.h"
#include "alert/schedule.h"
#include "api/json_body.h"
#include "api/prometheus_json.h"
#include "api/promql_tree_json.h"
#include "api/rule_routes.h"
#include "query/promql/duration.h"
#include "query/promql/matcher.h"

namespace clew::api {
namespace {

using alert::AlertState;
using alert::GroupView;
using alert::RuleKind;
using alert::RuleView;
using GroupPtr = std::shared_ptr<const GroupView>;
using Write = std::function<Status(const FormParams& params, JsonWriter& json)>;

void answer(const CallPtr& call, const Write& write) {
  FormParams params(call->request());
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.member("status", "success");
  json.key("data");
  Status done = write(params, json);
  if (!done.ok()) return call->exchange->answer(prometheus_error(done.error()));
  json.end_object();
  call->exchange->answer({.headers = {}, .body = std::move(body)});
}

// RFC 3339 with milliseconds; Go's zero time where there is none.
std::string time_text(int64_t millis) {
  if (millis == 0) return "0001-01-01T00:00:00Z";
  return rfc3339(millis * 1'000'000);
}

// As Go's FormatFloat(value, 'e', -1): the shortest digits and an exponent of two digits at least.
std::string exponent_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  return {buffer, end};
}

void write_texts(std::string_view name, const alert::NamedTexts& texts, JsonWriter& json) {
  json.key(name);
  json.begin_object();
  for (const auto& [key, value] : texts) json.member(key, value);
  json.end_object();
}

void write_alert(const alert::ActiveAlert& alert, JsonWriter& json) {
  json.begin_object();
  json.key("labels");
  write_labels(alert.labels, json);
  write_texts("annotations", alert.annotations, json);
  json.member("state", alert::alert_state_text(alert.state));
  json.member("activeAt", time_text(alert.active_at_millis));
  if (alert.keep_firing_since_millis != 0) json.member("keepFiringSince", time_text(alert.keep_firing_since_millis));
  json.member("value", exponent_text(alert.value));
  json.end_object();
}

void write_alerts(const RuleView& rule, JsonWriter& json) {
  for (const alert::ActiveAlert& alert : rule.alerts) {
    if (alert.state != AlertState::kInactive) write_alert(alert, json);
  }
}

void write_rule(const RuleView& rule, bool with_alerts, JsonWriter& json) {
  bool alerting = rule.rule.kind == RuleKind::kAlert;
  json.begin_object();
  if (alerting) json.member("state", alert::alert_state_text(rule.state));
  json.member("name", rule.rule.name);
  json.member("query", rule.rule.expr);
  if (alerting) {
    json.member_real("duration", static_cast<double>(rule.rule.for_millis) / 1000);
    json.member_real("keepFiringFor", static_cast<double>(rule.rule.keep_firing_millis) / 1000);
  }
  if (alerting || !rule.rule.labels.empty()) write_texts("labels", rule.rule.labels, json);
  if (alerting) {
    write_texts("annotations", rule.rule.annotations, json);
    json.key("alerts");
    json.begin_array();
    if (with_alerts) write_alerts(rule, json);
    json.end_array();
  }
  json.member("health", alert::health_text(rule.status.health));
  json.optional("lastError", rule.status.last_error);
  if (!rule.status.warnings.empty()) {
    json.key("warnings");
    json.begin_array();
    for (const std::string& text : rule.status.warnings) json.text(text);
    json.end_array();
  }
  json.member_real("evaluationTime", static_cast<double>(rule.status.evaluation_ns) / 1e9);
  json.member("lastEvaluation", time_text(rule.status.evaluated_at_millis));
  json.member("type", alerting ? "alerting" : "recording");
  json.end_object();
}

// Which rules a request asks for.
class RuleFilter {
 public:
  static Result<RuleFilter> make(const FormParams& params) {
    RuleFilter filter;
    std::string_view type = params.get("type");
    if (!type.empty() && type != "alert" && type != "record") {
      return Error(Code::kInvalid, "not supported value " + quoted(type) + " for type: write alert or record");
    }
    filter.alerts_ = type != "record";
    filter.records_ = type != "alert";
    auto names = [&params](const char* name) {
      std::set<std::string> out;
      for (std::string_view one : params.all(name)) out.emplace(one);
      return out;
    };
    filter.names_ = names("rule_name[]");
    filter.groups_ = names("rule_group[]");
    filter.files_ = names("file[]");
    for (std::string_view text : params.all("match[]")) {
      std::vector<contract::LabelMatcher> matchers = CLEW_TRY(query::promql::parse_selector(text));
      std::vector<query::promql::Matcher> made;
      for (const contract::LabelMatcher& one : matchers) {
        query::promql::Matcher matcher = CLEW_TRY(query::promql::Matcher::make(one));
        made.push_back(std::move(matcher));
      }
      filter.matchers_.push_back(std::move(made));
    }
    return filter;
  }

  bool wants(const GroupView& group) const {
    return (groups_.empty() || groups_.count(group.name) > 0) && (files_.empty() || files_.count(group.file) > 0);
  }
  bool wants(const RuleView& rule) const {
    if (!(rule.rule.kind == RuleKind::kAlert ? alerts_ : records_)) return false;
    if (!names_.empty() && names_.count(rule.rule.name) == 0) return false;
    if (matchers_.empty()) return true;
    return std::any_of(matchers_.begin(), matchers_.end(), [&](const auto& all) {
      return std::all_of(all.begin(), all.end(), [&](const query::promql::Matcher& one) {
        auto label = std::find_if(rule.rule.labels.begin(), rule.rule.labels.end(),
                                  [&](const auto& l) { return l.first == one.of().name; });
        return one.matches(label == rule.rule.labels.end() ? std::string_view() : std::string_view(label->second));
      });
    });
  }
  bool narrow() const { return !names_.empty() || !matchers_.empty() || !alerts_ || !records_; }

 private:
  bool alerts_ = true, records_ = true;
  std::set<std::string> names_, groups_, files_;
  std::vector<std::vector<query::promql::Matcher>> matchers_;
};

std::string token_of(const GroupView& group) { return std::to_string(alert::group_hash(group.file, group.name)); }

struct RuleApi {
  explicit RuleApi(const RuleRouteParts& parts)
      : rules(parts.rules), store(parts.store), clock(parts.clock), started_millis(now()) {}
  int64_t now() const { return clock.now().get() / 1'000'000; }

  std::vector<GroupPtr> groups() const {
    std::vector<GroupPtr> all = rules.view();
    std::stable_sort(all.begin(), all.end(), [](const GroupPtr& a, const GroupPtr& b) {
      return std::tie(a->file, a->name) < std::tie(b->file, b->name);
    });
    return all;
  }
  Status write_rules(const FormParams& params, JsonWriter& json) const;
  Status write_all_alerts(JsonWriter& json) const;
  Status write_config(JsonWriter& json) const;
  Status write_runtime(JsonWriter& json) const;

  const alert::Rules& rules;
  const metricstore::MetricStore& store;
  const os::Clock& clock;
  const int64_t started_millis;
};

// The group that a page begins with, and how many it has.
struct Page {
  std::string_view token;
  size_t groups_max = SIZE_MAX;
};

Result<Page> page_of(const FormParams& params) {
  Page page;
  page.token = params.get("group_next_token");
  if (std::string_view text = params.get("group_limit"); !text.empty()) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), page.groups_max);
    if (error != std::errc() || end != text.data() + text.size() || page.groups_max == 0) {
      return Error(Code::kInvalid, "group_limit needs to be a valid number above 0, not " + quoted(text));
    }
  } else if (!page.token.empty()) {
    return Error(Code::kInvalid, "group_limit needs to be set beside group_next_token");
  }
  return page;
}

Status RuleApi::write_rules(const FormParams& params, JsonWriter& json) const {
  RuleFilter filter = CLEW_TRY(RuleFilter::make(params));
  Page page = CLEW_TRY(page_of(params));
  std::string_view exclude = params.get("exclude_alerts");
  bool with_alerts = !(exclude == "true" || exclude == "1" || exclude == "t");
  bool begun = page.token.empty();
  size_t written = 0;
  std::string next;
  json.begin_object();
  json.key("groups");
  json.begin_array();
  for (const GroupPtr& group : groups()) {
    begun = begun || token_of(*group) == page.token;
    if (!begun || !filter.wants(*group)) continue;
    std::vector<const RuleView*> wanted;
    for (const RuleView& rule : group->rules) {
      if (filter.wants(rule)) wanted.push_back(&rule);
    }
    if (wanted.empty() && filter.narrow()) continue;
    if (written == page.groups_max) {
      next = token_of(*group);
      break;
    }
    ++written;
    json.begin_object();
    json.member("name", group->name);
    json.member("file", group->file);
    json.key("rules");
    json.begin_array();
    for (const RuleView* rule : wanted) write_rule(*rule, with_alerts, json);
    json.end_array();
    json.member_real("interval", static_cast<double>(group->interval_millis) / 1000);
    json.member("limit", static_cast<int64_t>(group->limit));
    json.member_real("evaluationTime", static_cast<double>(group->evaluation_ns) / 1e9);
    json.member("lastEvaluation", time_text(group->evaluated_at_millis));
    json.end_object();
  }
  if (!begun) return Error(Code::kInvalid, "invalid group_next_token: the rules have changed, begin anew");
  json.end_array();
  json.optional("groupNextToken", next);
  json.end_object();
  return {};
}

Status RuleApi::write_all_alerts(JsonWriter& json) const {
  json.begin_object();
  json.key("alerts");
  json.begin_array();
  for (const GroupPtr& group : groups()) {
    for (const RuleView& rule : group->rules) write_alerts(rule, json);
  }
  json.end_array();
  json.end_object();
  return {};
}

// What of clew's configuration a Prometheus would have; nothing that is a secret.
Status RuleApi::write_config(JsonWriter& json) const {
  alert::RulesOptions options = rules.options();
  auto quoted_yaml = [](const std::string& text) {
    std::string out = "'";
    for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
  };
  std::string yaml =
      "global:\n  evaluation_interval: " + query::promql::duration_text(options.defaults.interval_millis) + "\n";
  if (!options.defaults.externals.labels.empty()) yaml += "  external_labels:\n";
  for (const auto& [name, value] : options.defaults.externals.labels) {
    yaml += "    " + name + ": " + quoted_yaml(value) + "\n";
  }
  if (!options.files.empty()) yaml += "rule_files:\n";
  for (const std::string& file : options.files) yaml += "- " + quoted_yaml(file) + "\n";
  json.begin_object();
  json.member("yaml", yaml);
  json.end_object();
  return {};
}

Status RuleApi::write_runtime(JsonWriter& json) const {
  char host[256] = {};
  (void)gethostname(host, sizeof host - 1);
  metricstore::MetricStoreStats stats = store.stats();
  json.begin_object();
  json.member("startTime", time_text(started_millis));
  json.member("CWD", "");
  json.member("hostname", host);
  json.member("serverTime", time_text(now()));
  json.member_flag("reloadConfigSuccess", true);
  json.member("lastConfigTime", time_text(rules.loaded_at_millis()));
  json.member("corruptionCount", static_cast<int64_t>(stats.damaged));
  json.member("goroutineCount", int64_t{0});
  json.member("GOMAXPROCS", static_cast<int64_t>(std::thread::hardware_concurrency()));
  json.member("GOGC", "");
  json.member("GODEBUG", "");
  json.member("storageRetention", "");
  json.end_object();
  return {};
}

}  // namespace

std::vector<Route> rule_routes(const RuleRouteParts& parts) {
  auto api = std::make_shared<RuleApi>(parts);
  std::vector<Route> routes;
  auto add = [&](const char* method, std::string pattern, Write write) {
    routes.push_back({.method = method,
                      .pattern = std::move(pattern),
                      .place = Place::kPool,
                      .errors = ErrorShape::kClew,
                      .handler = [api, write = std::move(write)](const CallPtr& call) { answer(call, write); }});
  };
  const RuleApi* held = api.get();
  // The paths that Grafana's proxy uses for other servers too.
  for (const char* path : {"/api/v1/rules", "/prometheus/api/v1/rules"}) {
    add("GET", path, [held](const FormParams& params, JsonWriter& json) { return held->write_rules(params, json); });
  }
  for (const char* path : {"/api/v1/alerts", "/prometheus/api/v1/alerts"}) {
    add("GET", path, [held](const FormParams&, JsonWriter& json) { return held->write_all_alerts(json); });
  }
  add("GET", "/api/v1/status/config", [held](const FormParams&, JsonWriter& json) { return held->write_config(json); });
  add("GET", "/api/v1/status/runtimeinfo",
      [held](const FormParams&, JsonWriter& json) { return held->write_runtime(json); });
  add("GET", "/api/v1/status/flags", [held](const FormParams&, JsonWriter& json) -> Status {
    json.begin_object();
    json.member("query.lookback-delta", "5m");
    json.member("rules.alert.for-outage-tolerance", query::promql::duration_text(held->rules.options().outage_millis));
    json.member("web.external-url", held->rules.options().defaults.externals.url);
    json.end_object();
    return {};
  });
  add("GET", "/api/v1/status/walreplay", [](const FormParams&, JsonWriter& json) -> Status {
    // It is done before the first request is answered.
    json.begin_object();
    for (const char* name : {"min", "max", "current"}) json.member(name, int64_t{0});
    json.member("state", "done");
    json.end_object();
    return {};
  });
  for (const char* method : {"GET", "POST"}) {
    add(method, "/api/v1/parse_query", [](const FormParams& params, JsonWriter& json) -> Status {
      query::promql::ExprPtr tree = CLEW_TRY(query::promql::parse(params.get("query"), alert::rule_parse_options()));
      write_promql_tree(*tree, json);
      return {};
    });
  }
  return routes;
}

}  // namespace clew::api
