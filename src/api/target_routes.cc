// What is scraped, as Prometheus' HTTP API tells it.
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>

#include "api/prometheus_json.h"
#include "api/scrape_routes.h"
#include "model/json_text.h"
#include "query/promql/promql.h"

namespace clew::api {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;

struct Targets {
  explicit Targets(scrape::Scraper& of) : scraper(of) {}

  Status targets(const FormParams& params, JsonWriter& json) const;
  Status metadata(const FormParams& params, JsonWriter& json) const;
  Status pools(const FormParams& params, JsonWriter& json) const;

  scrape::Scraper& scraper;
};

std::string duration_text(int64_t millis) {
  if (millis % 1000 != 0) return std::to_string(millis) + "ms";
  int64_t seconds = millis / 1000;
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + "h";
  return seconds % 60 == 0 ? std::to_string(seconds / 60) + "m" : std::to_string(seconds) + "s";
}

std::string time_text(int64_t millis) {
  if (millis == 0) return "0001-01-01T00:00:00Z";
  std::string text;
  model::append_rfc3339(millis * kNanosPerMilli, text);
  return text;
}

void write_pairs(scrape::LabelSet::Pairs labels, JsonWriter& json) {
  std::sort(labels.begin(), labels.end());
  json.begin_object();
  for (const auto& [name, value] : labels) json.member(name, value);
  json.end_object();
}

void write_target(const scrape::TargetReport& target, JsonWriter& json) {
  json.begin_object();
  json.key("discoveredLabels");
  write_pairs(target.discovered, json);
  json.key("labels");
  write_labels(target.labels, json);
  json.member("scrapePool", target.pool);
  json.member("scrapeUrl", target.url);
  json.member("globalUrl", target.url);
  json.member("lastError", target.last_error);
  json.member("lastScrape", time_text(target.last_scrape_millis));
  json.key("lastScrapeDuration");
  json.raw(prometheus_number(target.last_seconds));
  json.member("health", target.health);
  json.member("scrapeInterval", duration_text(target.interval_millis));
  json.member("scrapeTimeout", duration_text(target.timeout_millis));
  if (target.bad_lines > 0) {  // ours
    json.member("badLines", static_cast<int64_t>(target.bad_lines));
    json.member("firstBadLine", target.first_mistake);
  }
  json.end_object();
}

bool matches(const contract::LabelMatcher& matcher, const model::Labels& labels) {
  std::string_view value = labels.get(matcher.name);
  using Op = contract::MatchOp;
  bool regex = matcher.op == Op::kRegex || matcher.op == Op::kNotRegex;
  bool same =
      regex ? re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), matcher.value) : value == matcher.value;
  return same == (matcher.op == Op::kEqual || matcher.op == Op::kRegex);
}

Status Targets::targets(const FormParams& params, JsonWriter& json) const {
  scrape::TargetReports reports = CLEW_TRY(scraper.targets());
  std::string_view pool = params.get("scrapePool");
  std::string_view state = params.get("state");
  auto wanted = [&](const std::string& of) { return pool.empty() || of == pool; };
  json.begin_object();
  json.key("activeTargets");
  json.begin_array();
  for (const scrape::TargetReport& target : reports.active) {
    if (state != "dropped" && wanted(target.pool)) write_target(target, json);
  }
  json.end_array();
  json.key("droppedTargets");
  json.begin_array();
  for (const auto& [of, labels] : reports.dropped) {
    if (state == "active" || !wanted(of)) continue;
    json.begin_object();
    json.key("discoveredLabels");
    write_pairs(labels, json);
    json.member("scrapePool", of);
    json.end_object();
  }
  json.end_array();
  json.key("droppedTargetCounts");
  json.begin_object();
  for (const auto& [of, count] : reports.dropped_counts) json.member(of, static_cast<int64_t>(count));
  json.end_object();
  json.end_object();
  return {};
}

Status Targets::metadata(const FormParams& params, JsonWriter& json) const {
  std::vector<contract::LabelMatcher> matchers;
  if (std::string_view match = params.get("match_target"); !match.empty()) {
    matchers = CLEW_TRY(query::promql::parse_selector(match));
  }
  std::vector<scrape::TargetMetadata> all = CLEW_TRY(scraper.metadata());
  std::string_view metric = params.get("metric");
  size_t limit = SIZE_MAX;
  if (std::string_view text = params.get("limit"); !text.empty()) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Error(Code::kInvalid, "invalid parameter \"limit\": " + clew::quoted(text) + " is no number");
    }
  }
  json.begin_array();
  for (const scrape::TargetMetadata& one : all) {
    if (limit == 0) break;
    bool here = metric.empty() || one.metric == metric;
    for (const contract::LabelMatcher& matcher : matchers) {
      here = here && matches(matcher, one.target);
    }
    if (!here) continue;
    --limit;
    json.begin_object();
    json.key("target");
    write_labels(one.target, json);
    if (metric.empty()) json.member("metric", one.metric);
    json.member("type", model::metric_type_name(one.told.type));
    json.member("help", one.told.help);
    json.member("unit", one.told.unit);
    json.end_object();
  }
  json.end_array();
  return {};
}

Status Targets::pools(const FormParams&, JsonWriter& json) const {
  std::vector<std::string> names = CLEW_TRY(scraper.pools());
  json.begin_object();
  json.key("scrapePools");
  json.begin_array();
  for (const std::string& name : names) json.text(name);
  json.end_array();
  json.end_object();
  return {};
}

}  // namespace

std::vector<Route> target_routes(scrape::Scraper& scraper) {
  auto targets = std::make_shared<Targets>(scraper);
  using Write = Status (Targets::*)(const FormParams&, JsonWriter&) const;
  auto route = [&](const char* path, Write write) {
    return Route{.method = "GET",
                 .pattern = path,
                 .place = Place::kPool,
                 .errors = ErrorShape::kClew,
                 .handler = [targets, write](const CallPtr& call) {
                   std::string body;
                   JsonWriter json(body);
                   json.begin_object();
                   json.member("status", "success");
                   json.key("data");
                   Status written = (targets.get()->*write)(FormParams(call->request()), json);
                   if (!written.ok()) return call->exchange->answer(prometheus_error(written.error()));
                   json.end_object();
                   call->exchange->answer({.headers = {}, .body = std::move(body)});
                 }};
  };
  return {route("/api/v1/targets", &Targets::targets), route("/api/v1/targets/metadata", &Targets::metadata),
          route("/api/v1/scrape_pools", &Targets::pools)};
}

}  // namespace clew::api
