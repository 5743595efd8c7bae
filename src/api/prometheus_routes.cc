// Prometheus' HTTP API, as Grafana and promtool call it: queries, series, labels, metadata, status.
#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>

#include "api/prometheus_json.h"
#include "api/routes.h"
#include "api/series_counts.h"
#include "api/trace_params.h"
#include "query/promql/promql.h"
#include "text/utf8.h"

namespace clew::api {
namespace {

namespace promql = query::promql;

constexpr size_t kCountsDefault = 10;  // of status/tsdb
constexpr size_t kCountsMost = 10'000;
constexpr int64_t kTimeoutMost = 3'600'000;

// Writes "data" and gives what else there is to say.
struct Said {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};
using Write = std::function<Result<Said>(const CallPtr& call, const FormParams& params, JsonWriter& json)>;

struct Prometheus {
  explicit Prometheus(ServerParts& server)
      : source(server.metric_store),
        store(server.metric_store),
        clock(server.clock),
        settings(server.settings),
        version(server.version),
        started_millis(now()),
        pool(std::max(1u, std::thread::hardware_concurrency())) {}

  int64_t now() const { return clock.now().get() / 1'000'000; }
  Result<promql::Options> options(const CallPtr& call, const FormParams& params);
  Result<contract::MetricScan> scan(const CallPtr& call, const FormParams& params, std::string_view selector) const;
  Result<Said> instant(const CallPtr& call, const FormParams& params, JsonWriter& json);
  Result<Said> range(const CallPtr& call, const FormParams& params, JsonWriter& json);
  Result<Said> series(const CallPtr& call, const FormParams& params, JsonWriter& json) const;
  Result<Said> names(const CallPtr& call, const FormParams& params, JsonWriter& json,
                     std::optional<std::string> label) const;
  Result<Said> metadata(const CallPtr& call, const FormParams& params, JsonWriter& json) const;
  Result<Said> exemplars(const CallPtr& call, const FormParams& params, JsonWriter& json) const;
  Result<Said> tsdb(const CallPtr& call, const FormParams& params, JsonWriter& json) const;

  const contract::MetricSource& source;
  const metricstore::MetricStore& store;
  const os::Clock& clock;
  const LiveSettings& settings;
  const std::string version;
  const int64_t started_millis;
  base::WorkerPool pool;
};

Result<int64_t> time_param(const FormParams& params, std::string_view name, int64_t otherwise) {
  std::string_view text = params.get(name);
  if (text.empty()) return otherwise;
  return parse_prometheus_time(name, text);
}

Result<size_t> limit_param(const FormParams& params, size_t otherwise) {
  std::string_view text = params.get("limit");
  if (text.empty()) return otherwise;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error(Code::kInvalid, "invalid parameter \"limit\": " + quoted(text) + " is no number");
  }
  return value == 0 ? otherwise : static_cast<size_t>(value);
}

Result<promql::Options> Prometheus::options(const CallPtr& call, const FormParams& params) {
  promql::Options options;
  Settings now = settings.now();
  options.limits.millis_max = now.query_limits.millis;
  options.limits.memory_bytes_max = now.query_limits.memory_bytes;
  options.pool = &pool;
  options.clock = &clock;
  options.stop = stop_of_client(call);
  options.parse.extended_range_selectors = true;
  if (std::string_view text = params.get("timeout"); !text.empty()) {
    int64_t timeout = CLEW_TRY(parse_prometheus_duration("timeout", text));
    options.limits.millis_max =
        std::min<uint64_t>(options.limits.millis_max, static_cast<uint64_t>(std::min(timeout, kTimeoutMost)));
  }
  if (std::string_view text = params.get("lookback_delta"); !text.empty()) {
    options.lookback_millis = CLEW_TRY(parse_prometheus_duration("lookback_delta", text));
  }
  return options;
}

Result<Said> Prometheus::instant(const CallPtr& call, const FormParams& params, JsonWriter& json) {
  int64_t at = CLEW_TRY(time_param(params, "time", now()));
  promql::Options how = CLEW_TRY(options(call, params));
  promql::Answer answer = CLEW_TRY(promql::run_instant(source, call->access, params.get("query"), at, how));
  write_answer(answer, json);
  return Said{std::move(answer.warnings), std::move(answer.infos)};
}

Result<Said> Prometheus::range(const CallPtr& call, const FormParams& params, JsonWriter& json) {
  promql::Range range;
  for (const char* name : {"start", "end", "step"}) {
    if (params.get(name).empty()) {
      return Error(Code::kInvalid, std::string("invalid parameter \"") + name + "\": it is missing");
    }
  }
  range.start_millis = CLEW_TRY(parse_prometheus_time("start", params.get("start")));
  range.end_millis = CLEW_TRY(parse_prometheus_time("end", params.get("end")));
  range.step_millis = CLEW_TRY(parse_prometheus_duration("step", params.get("step")));
  if (range.end_millis < range.start_millis) {
    return Error(Code::kInvalid, "invalid parameter \"end\": end timestamp must not be before start time");
  }
  promql::Options how = CLEW_TRY(options(call, params));
  if ((range.end_millis - range.start_millis) / range.step_millis >= static_cast<int64_t>(how.limits.steps_max)) {
    return Error(
        Code::kInvalid,
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)");
  }
  promql::Answer answer = CLEW_TRY(promql::run_range(source, call->access, params.get("query"), range, how));
  write_answer(answer, json);
  return Said{std::move(answer.warnings), std::move(answer.infos)};
}

Result<contract::MetricScan> Prometheus::scan(const CallPtr& call, const FormParams& params,
                                              std::string_view selector) const {
  contract::MetricScan scan;
  scan.access = call->access;
  scan.from_millis = CLEW_TRY(time_param(params, "start", INT64_MIN));
  scan.to_millis = CLEW_TRY(time_param(params, "end", INT64_MAX));
  if (!selector.empty()) scan.matchers = CLEW_TRY(promql::parse_selector(selector));
  return scan;
}

Result<Said> Prometheus::series(const CallPtr& call, const FormParams& params, JsonWriter& json) const {
  std::vector<std::string_view> selectors = params.all("match[]");
  if (selectors.empty()) return Error(Code::kInvalid, "no match[] parameter provided");
  size_t limit = CLEW_TRY(limit_param(params, SIZE_MAX));
  std::vector<model::Labels> found;
  for (std::string_view selector : selectors) {
    contract::MetricScan wanted = CLEW_TRY(scan(call, params, selector));
    std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(source.select(wanted));
    for (size_t i = 0; i < set->size(); ++i) found.emplace_back(set->labels(i));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  Said said;
  if (found.size() > limit) {
    found.resize(limit);
    said.warnings.emplace_back("results truncated due to limit");
  }
  json.begin_array();
  for (const model::Labels& labels : found) write_labels(labels, json);
  json.end_array();
  return said;
}

// Names of labels, or the values of one.
Result<Said> Prometheus::names(const CallPtr& call, const FormParams& params, JsonWriter& json,
                               std::optional<std::string> label) const {
  size_t limit = CLEW_TRY(limit_param(params, SIZE_MAX));
  std::vector<std::string_view> selectors = params.all("match[]");
  if (selectors.empty()) selectors.emplace_back();
  std::vector<std::string> found;
  for (std::string_view selector : selectors) {
    contract::MetricScan wanted = CLEW_TRY(scan(call, params, selector));
    std::vector<std::string> some = CLEW_TRY(label ? source.label_values(wanted, *label) : source.label_names(wanted));
    found.insert(found.end(), some.begin(), some.end());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  Said said;
  if (found.size() > limit) {
    found.resize(limit);
    said.warnings.emplace_back("results truncated due to limit");
  }
  json.begin_array();
  for (const std::string& name : found) json.text(name);
  json.end_array();
  return said;
}

Result<Said> Prometheus::metadata(const CallPtr& call, const FormParams& params, JsonWriter& json) const {
  size_t limit = CLEW_TRY(limit_param(params, SIZE_MAX));
  std::string_view metric = params.get("metric");
  std::map<std::string, model::MetricMetadata> known = CLEW_TRY(source.metadata(call->access));
  json.begin_object();
  size_t written = 0;
  for (const auto& [name, told] : known) {
    if ((!metric.empty() && name != metric) || written == limit) continue;
    ++written;
    json.key(name);
    json.begin_array();
    json.begin_object();
    json.member("type", model::metric_type_name(told.type));
    json.member("unit", told.unit);
    json.member("help", told.help);
    json.end_object();
    json.end_array();
  }
  json.end_object();
  return Said();
}

// The matchers of every selector of a query.
void collect_selectors(const promql::Expr& expr, std::vector<std::vector<contract::LabelMatcher>>& found) {
  if (expr.kind == promql::ExprKind::kSelector) found.push_back(promql::as<promql::SelectorExpr>(expr).matchers);
  for (const promql::Expr* child : promql::children_of(expr)) collect_selectors(*child, found);
}

Result<Said> Prometheus::exemplars(const CallPtr& call, const FormParams& params, JsonWriter& json) const {
  promql::ExprPtr tree = CLEW_TRY(promql::parse(params.get("query"), {}));
  json.begin_array();
  std::vector<std::vector<contract::LabelMatcher>> selectors;
  collect_selectors(*tree, selectors);
  for (const std::vector<contract::LabelMatcher>& matchers : selectors) {
    contract::MetricScan wanted = CLEW_TRY(scan(call, params, {}));
    wanted.matchers = matchers;
    std::vector<contract::SeriesExemplars> found = CLEW_TRY(source.exemplars(wanted));
    for (const contract::SeriesExemplars& of_series : found) {
      json.begin_object();
      json.key("seriesLabels");
      write_labels(of_series.labels, json);
      json.key("exemplars");
      json.begin_array();
      for (const model::Exemplar& exemplar : of_series.exemplars) {
        json.begin_object();
        json.key("labels");
        write_labels(exemplar.labels, json);
        json.member("value", prometheus_number(exemplar.value));
        json.key("timestamp");
        json.raw(prometheus_time(exemplar.millis));
        json.end_object();
      }
      json.end_array();
      json.end_object();
    }
  }
  json.end_array();
  return Said();
}

void write_counts(std::string_view name, const std::vector<metricstore::SeriesIndex::Count>& counts, JsonWriter& json) {
  json.key(name);
  json.begin_array();
  for (const auto& count : counts) {
    json.begin_object();
    json.member("name", count.name);
    json.member("value", static_cast<int64_t>(count.count));
    json.end_object();
  }
  json.end_array();
}

// With match[], start and end the counts are of those series; what the store takes is of all.
Result<Said> Prometheus::tsdb(const CallPtr& call, const FormParams& params, JsonWriter& json) const {
  size_t limit = CLEW_TRY(limit_param(params, kCountsDefault));
  limit = std::min(limit, kCountsMost);
  metricstore::MetricStoreStats stats = store.stats();
  SeriesCounts counts{.series = stats.series, .by_metric = {}, .values_by_label = {}, .by_pair = {}};
  if (std::string_view selector = params.get("match[]"); !selector.empty()) {
    contract::MetricScan wanted = CLEW_TRY(scan(call, params, selector));
    std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(source.select(wanted));
    counts = count_series(*set, limit);
  } else {
    counts.by_metric = store.series_by_metric(limit);
    counts.values_by_label = store.values_by_label(limit);
    counts.by_pair = store.series_by_pair(limit);
  }
  json.begin_object();
  json.key("headStats");
  json.begin_object();
  json.member("numSeries", static_cast<int64_t>(counts.series));
  json.member("numSamples", static_cast<int64_t>(stats.buffered_samples));
  json.member("maxTime", stats.newest_millis == INT64_MIN ? 0 : stats.newest_millis);
  json.end_object();
  write_counts("seriesCountByMetricName", counts.by_metric, json);
  write_counts("labelValueCountByLabelName", counts.values_by_label, json);
  write_counts("seriesCountByLabelValuePair", counts.by_pair, json);
  json.key("store");  // ours
  json.begin_object();
  json.member("parts", static_cast<int64_t>(stats.parts));
  json.member("samples", static_cast<int64_t>(stats.part_samples));
  json.member("bytes", static_cast<int64_t>(stats.part_bytes));
  json.member("journalBytes", static_cast<int64_t>(stats.journal_bytes));
  json.member("tombstones", static_cast<int64_t>(stats.tombstones));
  json.member("forgottenSeries", static_cast<int64_t>(stats.forgotten));
  json.member("damaged", static_cast<int64_t>(stats.damaged));
  json.member("indexBytes", static_cast<int64_t>(stats.index_bytes));
  json.member("bufferBytes", static_cast<int64_t>(stats.buffer_bytes));
  json.end_object();
  json.end_object();
  return Said();
}

void write_texts(std::string_view name, const std::vector<std::string>& texts, JsonWriter& json) {
  if (texts.empty()) return;
  json.key(name);
  json.begin_array();
  for (const std::string& text : texts) json.text(text);
  json.end_array();
}

void answer(const CallPtr& call, const Write& write) {
  FormParams params(call->request());
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.member("status", "success");
  json.key("data");
  Result<Said> said = write(call, params, json);
  if (!said.ok()) return call->exchange->answer(prometheus_error(said.error()));
  write_texts("warnings", said->warnings, json);
  write_texts("infos", said->infos, json);
  json.end_object();
  call->exchange->answer({.headers = {}, .body = std::move(body)});
}

// A label's name in a path: U__ begins one that is written with escapes (_xx_, __).
std::string label_name_of(std::string_view path) {
  if (!path.starts_with("U__")) return std::string(path);
  std::string name;
  path.remove_prefix(3);
  while (!path.empty()) {
    if (path.starts_with("__")) {
      name += '_';
      path.remove_prefix(2);
      continue;
    }
    size_t end = path.find('_', 1);
    uint32_t code = 0;
    bool escape = path[0] == '_' && end != std::string_view::npos &&
                  std::from_chars(path.data() + 1, path.data() + end, code, 16).ptr == path.data() + end && code != 0;
    if (escape) {
      text::append_utf8(code, name);
      path.remove_prefix(end + 1);
    } else {
      name += path[0];
      path.remove_prefix(1);
    }
  }
  return name;
}

}  // namespace

std::vector<Route> prometheus_routes(ServerParts& parts) {
  auto api = std::make_shared<Prometheus>(parts);
  std::vector<Route> routes;
  auto add = [&](std::string pattern, bool form, Write write) {
    for (const char* method : {"GET", "POST"}) {
      if (!form && std::string_view(method) == "POST") continue;
      routes.push_back({.method = method,
                        .pattern = pattern,
                        .place = Place::kPool,
                        .errors = ErrorShape::kClew,
                        .handler = [api, write](const CallPtr& call) { answer(call, write); }});
    }
  };
  add("/api/v1/query", true,
      [api](const auto& call, const auto& params, auto& json) { return api->instant(call, params, json); });
  add("/api/v1/query_range", true,
      [api](const auto& call, const auto& params, auto& json) { return api->range(call, params, json); });
  add("/api/v1/query_exemplars", true,
      [api](const auto& call, const auto& params, auto& json) { return api->exemplars(call, params, json); });
  add("/api/v1/series", false,
      [api](const auto& call, const auto& params, auto& json) { return api->series(call, params, json); });
  add("/api/v1/labels", true,
      [api](const auto& call, const auto& params, auto& json) { return api->names(call, params, json, std::nullopt); });
  add("/api/v1/label/{NAME}/values", false, [api](const CallPtr& call, const FormParams& params, JsonWriter& json) {
    return api->names(call, params, json, label_name_of(call->names[0]));
  });
  add("/api/v1/metadata", false,
      [api](const auto& call, const auto& params, auto& json) { return api->metadata(call, params, json); });
  add("/api/v1/status/tsdb", false,
      [api](const auto& call, const auto& params, auto& json) { return api->tsdb(call, params, json); });
  add("/api/v1/format_query", true, [](const CallPtr&, const FormParams& params, JsonWriter& json) -> Result<Said> {
    std::string text = CLEW_TRY(promql::format_query(params.get("query"), {}));
    json.text(text);
    return Said();
  });
  add("/api/v1/status/buildinfo", false, [api](const CallPtr&, const FormParams&, JsonWriter& json) -> Result<Said> {
    json.begin_object();
    json.member("application", "clew");
    json.member("version", api->version);
    for (const char* name : {"revision", "branch", "buildUser", "buildDate", "goVersion"}) json.member(name, "");
    json.end_object();
    return Said();
  });
  return routes;
}

}  // namespace clew::api
