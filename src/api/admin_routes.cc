// What an operator does: delete, retention, snapshot, flush.
#include <fmt/format.h>

#include "api/query_json.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr uint64_t kDaysMax = 36'500;
constexpr int64_t kDayNanos = 86'400'000'000'000;

// Runs a handler that may fail; its error becomes the answer.
template <class F>
Handler guarded(ServerParts& parts, F handler) {
  return [&parts, handler](CallPtr call) {
    Result<Json> json = handler(parts, call);
    if (!json.ok()) return answer_error(*call, kShape, json.error());
    answer_json(call, *json);
  };
}

// --- delete ----------------------------------------------------------------------------------------------------------

// Keeps the rows whose time lies in the range.
Status keep_range(const contract::Granule& granule, uint32_t block, contract::TimeRange range, model::Selection& rows,
                  contract::ScanStats& stats) {
  if (granule.time_min() >= range.from && granule.time_max() < range.to) return {};
  model::VectorPtr times = CLEW_TRY(granule.column("@timestamp", block, rows, stats));
  model::Selection kept;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (!times->is_null(i) && range.contains(times->value(i).i64())) kept.push_back(rows[i]);
  }
  rows = std::move(kept);
  return {};
}

// What a delete would take: rows of the snapshot that the selector leaves.
Result<uint64_t> count_selected(ServerParts& parts, const contract::Access& access, const std::string& dataset,
                                contract::TimeRange range, const query::RowSelector& selector) {
  contract::ScanStats stats;
  contract::Scan scan{.datasets = {dataset}, .range = range, .where = {}};
  contract::Snapshot snapshot = CLEW_TRY(parts.store.snapshot(access, scan, stats));
  uint64_t count = 0;
  for (const contract::GranulePtr& granule : snapshot.granules) {
    uint32_t blocks = (granule->rows() + contract::kBlockRows - 1) / contract::kBlockRows;
    for (uint32_t block = 0; block < blocks; ++block) {
      model::Selection rows;
      granule->alive(block, rows);
      CLEW_TRY(keep_range(*granule, block, range, rows, stats));
      if (!rows.empty()) CLEW_TRY(selector.narrow(*granule, block, rows));
      count += rows.size();
    }
  }
  return count;
}

Result<Json> delete_rows(ServerParts& parts, const CallPtr& call) {
  Json body =
      CLEW_TRY(parse_object(call->request().body, {"dataset", "query", "from", "to", "since", "wait", "dry_run"}));
  std::optional<std::string> dataset = CLEW_TRY(text_member(body, "dataset"));
  if (!dataset) return Error(Code::kInvalid, "dataset: say which one");
  std::optional<std::string> text = CLEW_TRY(text_member(body, "query"));
  contract::TimeRange range = CLEW_TRY(range_members(body, parts.clock));
  bool wait = CLEW_TRY(bool_member(body, "wait", false));
  if (!text && !body.contains("from") && !body.contains("to") && !body.contains("since")) {
    return Error(Code::kInvalid, "query or a range: say what to delete; DELETE /NAME takes a whole dataset");
  }
  bool dry_run = CLEW_TRY(bool_member(body, "dry_run", false));
  std::string source = "source=`" + *dataset + "` ";
  auto selected = parts.engine.selector(source + text.value_or(""), call->access);
  if (auto* failure = std::get_if<query::Failure>(&selected)) {
    std::string place =
        failure->column > source.size() ? fmt::format("column {}: ", failure->column - source.size()) : "";
    Code code = failure->kind == query::FailureKind::kDatasetNotFound ? Code::kNotFound : Code::kInvalid;
    return Error(code, place + failure->reason);
  }
  const query::RowSelector& selector = std::get<query::RowSelector>(selected);
  if (dry_run) {
    uint64_t rows = CLEW_TRY(count_selected(parts, call->access, *dataset, range, selector));
    return Json{{"would_delete", rows}};
  }
  auto report = CLEW_TRY(parts.store.delete_rows(call->access, *dataset, range, selector.narrow,
                                                 wait ? logstore::WaitForBytes::kYes : logstore::WaitForBytes::kNo));
  return Json{{"deleted", report.rows}};
}

// --- retention -------------------------------------------------------------------------------------------------------

Json rule_json(const logstore::RetentionRule& rule) {
  return {{"hot_days", rule.hot_days}, {"total_days", rule.total_days}, {"max_bytes", rule.bytes_max}};
}

Json classes_json(const std::vector<logstore::ClassRule>& classes) {
  Json list = Json::array();
  for (const logstore::ClassRule& c : classes) {
    Json entry = {{"name", c.name}, {"field", c.field}, {"value", c.value}};
    entry.update(rule_json(c.rule));
    list.push_back(std::move(entry));
  }
  return list;
}

// Members of a rule; those that are absent stay as they are. Gives true when one was there.
Result<bool> read_rule(const Json& body, logstore::RetentionRule& rule) {
  std::optional<uint64_t> hot = CLEW_TRY(number_member(body, "hot_days", kDaysMax));
  std::optional<uint64_t> total = CLEW_TRY(number_member(body, "total_days", kDaysMax));
  std::optional<uint64_t> bytes = CLEW_TRY(number_member(body, "max_bytes", INT64_MAX));
  rule.hot_days = static_cast<uint32_t>(hot.value_or(rule.hot_days));
  rule.total_days = static_cast<uint32_t>(total.value_or(rule.total_days));
  rule.bytes_max = bytes.value_or(rule.bytes_max);
  return hot || total || bytes;
}

Result<std::vector<logstore::ClassRule>> read_classes(const Json& list, const logstore::RetentionRule& above) {
  if (!list.is_array()) return Error(Code::kInvalid, "classes: expected a list of objects");
  std::vector<logstore::ClassRule> classes;
  for (const Json& item : list) {
    if (!item.is_object()) return Error(Code::kInvalid, "classes: expected a list of objects");
    Json entry = CLEW_TRY(parse_object(item.dump(), {"name", "field", "value", "hot_days", "total_days", "max_bytes"}));
    logstore::ClassRule c;
    std::optional<std::string> name = CLEW_TRY(text_member(entry, "name"));
    std::optional<std::string> field = CLEW_TRY(text_member(entry, "field"));
    std::optional<std::string> value = CLEW_TRY(text_member(entry, "value"));
    c.name = name.value_or("");
    c.field = field.value_or("");
    c.value = value.value_or("");
    c.rule = above;
    c.rule.bytes_max = 0;
    CLEW_TRY(read_rule(entry, c.rule));
    if (!entry.contains("hot_days")) c.rule.hot_days = std::min(c.rule.hot_days, c.rule.total_days);
    classes.push_back(std::move(c));
  }
  CLEW_TRY(logstore::check_class_rules(classes));
  return classes;
}

Result<Json> list_retention(ServerParts& parts, const CallPtr& call) {
  std::vector<contract::DatasetInfo> datasets = CLEW_TRY(parts.store.datasets(call->access));
  Json list = Json::array();
  for (const contract::DatasetInfo& info : datasets) {
    logstore::DatasetSettings settings = parts.store.settings(call->access, info.name);
    Json entry = {{"name", info.name}};
    entry.update(rule_json(settings.retention.value_or(parts.settings.now().default_retention)));
    entry["own_rule"] = settings.retention.has_value();
    entry["held"] = settings.held;
    entry["classes"] = classes_json(settings.classes);
    list.push_back(std::move(entry));
  }
  return Json{{"default", rule_json(parts.settings.now().default_retention)}, {"datasets", std::move(list)}};
}

Result<Json> put_retention(ServerParts& parts, const CallPtr& call) {
  const std::string& dataset = call->names[0];
  Json body = CLEW_TRY(parse_object(call->request().body, {"hot_days", "total_days", "max_bytes", "hold", "classes"}));
  logstore::DatasetSettings settings = parts.store.settings(call->access, dataset);
  logstore::RetentionRule rule = settings.retention.value_or(parts.settings.now().default_retention);
  bool has_rule = CLEW_TRY(read_rule(body, rule));
  bool hold = CLEW_TRY(bool_member(body, "hold", settings.held));
  if (rule.hot_days > rule.total_days) return Error(Code::kInvalid, "hot_days is more than total_days");
  bool has_classes = body.contains("classes");
  if (has_classes) settings.classes = CLEW_TRY(read_classes(body["classes"], rule));
  if (has_rule) CLEW_TRY(parts.store.set_retention(call->access, dataset, rule));
  if (has_classes) CLEW_TRY(parts.store.set_retention_classes(call->access, dataset, settings.classes));
  if (hold != settings.held) CLEW_TRY(parts.store.set_hold(call->access, dataset, hold));
  Json entry = {{"name", dataset}};
  entry.update(rule_json(rule));
  entry["held"] = hold;
  entry["classes"] = classes_json(settings.classes);
  return entry;
}

Json items_json(const contract::Access& access, const std::vector<logstore::RetentionItem>& items) {
  Json list = Json::array();
  for (const logstore::RetentionItem& item : items) {
    if (item.tenant != access.tenant.get()) continue;
    list.push_back({{"dataset", item.dataset},
                    {"class", item.retention_class},
                    {"day", rfc3339(item.day * kDayNanos).substr(0, 10)},
                    {"rows", item.rows},
                    {"bytes", item.bytes},
                    {"why", item.why}});
  }
  return list;
}

Result<Json> apply_retention(ServerParts& parts, const CallPtr& call) {
  Json body = CLEW_TRY(parse_object(call->request().body, {"dry_run"}));
  bool dry_run = CLEW_TRY(bool_member(body, "dry_run", false));
  if (dry_run) return Json{{"would_delete", items_json(call->access, parts.store.retention_due())}};
  std::vector<logstore::RetentionItem> items = CLEW_TRY(parts.store.enforce_retention());
  return Json{{"deleted", items_json(call->access, items)}};
}

// --- the store as a whole --------------------------------------------------------------------------------------------

Result<Json> take_snapshot(ServerParts& parts, const CallPtr& call) {
  Json body = CLEW_TRY(parse_object(call->request().body, {"dir"}));
  std::optional<std::string> dir = CLEW_TRY(text_member(body, "dir"));
  if (!dir || !dir->starts_with('/')) return Error(Code::kInvalid, "dir: expected an absolute path on the server");
  CLEW_TRY(parts.store.snapshot_to(*dir));
  CLEW_TRY(parts.metric_store.snapshot_to(*dir + "/metrics"));
  return Json{{"dir", *dir}};
}

// With compact=true a day's samples become one part each.
Result<Json> flush(ServerParts& parts, const CallPtr& call) {
  CLEW_TRY(parts.store.flush_now());
  if (call->request().param("compact") == "true") {
    CLEW_TRY(parts.metric_store.compact());
  } else {
    CLEW_TRY(parts.metric_store.flush());
  }
  return Json{{"idle", parts.store.is_idle()}};
}

}  // namespace

std::vector<Route> admin_routes(ServerParts& parts) {
  auto route = [&parts](const char* method, const char* pattern, auto handler) {
    return Route{method, pattern, Need::kAdmin, Place::kPool, kShape, guarded(parts, handler)};
  };
  return {
      route("POST", "/clew/v1/delete", delete_rows),
      route("GET", "/clew/v1/retention", list_retention),
      route("PUT", "/clew/v1/retention/{NAME}", put_retention),
      route("POST", "/clew/v1/retention/apply", apply_retention),
      route("POST", "/clew/v1/snapshot", take_snapshot),
      route("POST", "/clew/v1/flush", flush),
  };
}

}  // namespace clew::api
