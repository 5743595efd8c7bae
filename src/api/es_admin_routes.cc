// What Elasticsearch's and OpenSearch's clients, Beats, Logstash, Fluent Bit and Vector ask around writing. Datasets
// answer as indices; templates, policies and pipelines are kept in memory only so that a client finds again what it
// put, since nothing here needs a mapping.
#include <map>

#include "api/json_body.h"
#include "api/routes.h"
#include "base/mutex.h"
#include "query/encode.h"
#include "wire/index_name.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kElastic;
// Beats refuse to write to a server that says to be older than they are.
constexpr const char* kElasticVersion = "9.99.0";
constexpr size_t kDocumentsMax = 1'000;
constexpr size_t kDocumentBytesMax = 256u << 10;

// What clients put under /_index_template/NAME and the like.
class Documents {
 public:
  Status put(const std::string& path, std::string_view body) {
    if (body.size() > kDocumentBytesMax) return Error(Code::kTooLarge, "larger than 256 KiB");
    base::MutexLock lock(mutex_);
    if (kept_.size() >= kDocumentsMax && !kept_.contains(path)) {
      return Error(Code::kTooLarge, "more than 1000 templates, policies and pipelines");
    }
    kept_[path] = std::string(body);
    return {};
  }
  std::optional<std::string> find(const std::string& path) {
    base::MutexLock lock(mutex_);
    auto found = kept_.find(path);
    if (found == kept_.end()) return std::nullopt;
    return found->second;
  }
  bool remove(const std::string& path) {
    base::MutexLock lock(mutex_);
    return kept_.erase(path) > 0;
  }

 private:
  base::Mutex mutex_;
  std::map<std::string, std::string> kept_ CLEW_GUARDED_BY(mutex_);
};

struct EsAdmin {
  explicit EsAdmin(ServerParts& p) : parts(p) {}

  Result<std::optional<contract::DatasetInfo>> find_dataset(const CallPtr& call, const std::string& index);

  uint64_t count_alive(const CallPtr& call, const std::string& dataset);

  void root(const CallPtr& call);
  void health(const CallPtr& call);
  void license(const CallPtr& call);
  void xpack(const CallPtr& call);
  void nodes(const CallPtr& call);
  void cat_indices(const CallPtr& call);
  void document(const CallPtr& call);
  void aliases(const CallPtr& call);
  void data_stream(const CallPtr& call);
  void index_put(const CallPtr& call);
  void index_get(const CallPtr& call);
  void index_delete(const CallPtr& call);
  void index_refresh(const CallPtr& call);
  void index_count(const CallPtr& call);

  ServerParts& parts;
  Documents documents;
};

void answer(const CallPtr& call, const Json& json, int status = 200) {
  call->exchange->answer({.status = status,
                          .content_type = elastic_content_type(call->request()),
                          .headers = {{"X-Elastic-Product", "Elasticsearch"}},
                          .body = dump_json(json)});
}

void acknowledge(const CallPtr& call) { answer(call, {{"acknowledged", true}}); }

// Until there is a user interface, a browser learns where it is.
constexpr std::string_view kFrontPage =
    "<!doctype html><meta charset=utf-8><title>clew</title><h1>clew</h1>"
    "<p>This is clew's HTTP listener. Ask it with <code>clew query</code> or <code>POST /clew/v1/search</code>.</p>"
    "<p><a href=health/ready>health</a> <a href=metrics>metrics</a> <a href=clew/v1/datasets>datasets</a></p>\n";

// What clients of Elasticsearch ask before they write.
Json greeting(const std::string& version) {
  return {{"name", "clew"},
          {"cluster_name", "clew"},
          {"cluster_uuid", "clew"},
          {"version",
           {{"number", kElasticVersion},
            {"build_flavor", "default"},
            {"build_type", "clew"},
            {"build_hash", version},
            {"build_date", "2026-01-01T00:00:00.000Z"},
            {"build_snapshot", false},
            {"lucene_version", "10.0.0"},
            {"minimum_wire_compatibility_version", "8.0.0"},
            {"minimum_index_compatibility_version", "8.0.0"}}},
          {"tagline", "You Know, for Search"}};
}

void EsAdmin::root(const CallPtr& call) {
  if (call->request().header("accept").find("text/html") != std::string_view::npos) {
    return call->exchange->answer(
        {.content_type = "text/html; charset=utf-8", .headers = {}, .body = std::string(kFrontPage)});
  }
  answer(call, greeting(parts.version));
}

void EsAdmin::health(const CallPtr& call) {
  bool ok = parts.store.health().writes.ok();
  answer(call, {{"cluster_name", "clew"},
                {"status", ok ? "green" : "red"},
                {"timed_out", false},
                {"number_of_nodes", 1},
                {"number_of_data_nodes", 1},
                {"active_primary_shards", 1},
                {"active_shards", 1},
                {"relocating_shards", 0},
                {"initializing_shards", 0},
                {"unassigned_shards", 0},
                {"delayed_unassigned_shards", 0},
                {"number_of_pending_tasks", 0},
                {"number_of_in_flight_fetch", 0},
                {"task_max_waiting_in_queue_millis", 0},
                {"active_shards_percent_as_number", 100.0}});
}

Json license_json() { return {{"status", "active"}, {"uid", "clew"}, {"type", "basic"}, {"mode", "basic"}}; }

void EsAdmin::license(const CallPtr& call) { answer(call, {{"license", license_json()}}); }

void EsAdmin::xpack(const CallPtr& call) {
  Json off = {{"available", false}, {"enabled", false}};
  answer(call, {{"build", {{"hash", parts.version}, {"date", "2026-01-01T00:00:00.000Z"}}},
                {"license", license_json()},
                {"features", {{"ilm", {{"available", true}, {"enabled", true}}}, {"security", off}, {"ml", off}}},
                {"tagline", "You know, for X"}});
}

void EsAdmin::nodes(const CallPtr& call) {
  std::string host(call->request().header("host"));
  answer(call, {{"_nodes", {{"total", 1}, {"successful", 1}, {"failed", 0}}},
                {"cluster_name", "clew"},
                {"nodes",
                 {{"clew",
                   {{"name", "clew"},
                    {"version", kElasticVersion},
                    {"roles", {"data", "ingest", "master"}},
                    {"http", {{"publish_address", host}, {"max_content_length_in_bytes", net::kBodyBytesMax}}}}}}}});
}

void EsAdmin::cat_indices(const CallPtr& call) {
  auto datasets = parts.store.datasets(call->access);
  if (!datasets.ok()) return answer_error(*call, kShape, datasets.error());
  bool json = call->request().param("format") == "json" ||
              call->request().header("accept").find("json") != std::string_view::npos;
  Json list = Json::array();
  std::string text;
  if (call->request().has_param("v")) text = "health status index pri rep docs.count store.size\n";
  for (const contract::DatasetInfo& info : *datasets) {
    std::string rows = std::to_string(info.rows);
    std::string bytes = std::to_string(info.bytes);
    list.push_back({{"health", "green"},
                    {"status", "open"},
                    {"index", info.name},
                    {"uuid", info.name},
                    {"pri", "1"},
                    {"rep", "0"},
                    {"docs.count", rows},
                    {"docs.deleted", "0"},
                    {"store.size", bytes},
                    {"pri.store.size", bytes}});
    text += "green open " + info.name + " 1 0 " + rows + " " + bytes + "b\n";
  }
  if (json) return answer(call, list);
  call->exchange->answer({.content_type = "text/plain; charset=UTF-8",
                          .headers = {{"X-Elastic-Product", "Elasticsearch"}},
                          .body = std::move(text)});
}

// /_index_template/NAME, /_component_template/NAME, /_template/NAME, /_ilm/policy/NAME, /_ingest/pipeline/NAME.
void EsAdmin::document(const CallPtr& call) {
  const net::Request& request = call->request();
  if (request.method == "PUT" || request.method == "POST") {
    Status put = documents.put(request.path, request.body);
    if (!put.ok()) return answer_error(*call, kShape, put.error());
    return acknowledge(call);
  }
  if (request.method == "DELETE") {
    if (documents.remove(request.path)) return acknowledge(call);
    return answer_error(*call, kShape, Error(Code::kNotFound, clew::quoted(request.path) + " is not there"));
  }
  std::optional<std::string> kept = documents.find(request.path);
  if (!kept) {
    if (call->names.empty()) return answer(call, Json::object());
    return answer_error(*call, kShape, Error(Code::kNotFound, clew::quoted(request.path) + " is not there"));
  }
  Json body = Json::parse(*kept, nullptr, false);
  if (body.is_discarded()) body = Json::object();
  const std::string& name = call->names[0];
  std::string kind = request.path.substr(1, request.path.find('/', 1) - 1);
  if (kind == "_index_template")
    return answer(call, {{"index_templates", {{{"name", name}, {"index_template", body}}}}});
  if (kind == "_component_template") {
    return answer(call, {{"component_templates", {{{"name", name}, {"component_template", body}}}}});
  }
  answer(call, {{name, body}});
}

void EsAdmin::aliases(const CallPtr& call) {
  const net::Request& request = call->request();
  if (request.method != "GET" && request.method != "HEAD") return acknowledge(call);
  if (call->names.empty()) return answer(call, Json::object());
  answer(call, {{"error", "alias [" + call->names.back() + "] missing"}, {"status", 404}}, 404);
}

void EsAdmin::data_stream(const CallPtr& call) {
  const net::Request& request = call->request();
  if (request.method == "PUT" || request.method == "DELETE") return acknowledge(call);
  Json list = Json::array();
  if (!call->names.empty()) {
    auto found = find_dataset(call, call->names[0]);
    if (!found.ok()) return answer_error(*call, kShape, found.error());
    if (!*found) return answer_error(*call, kShape, Error(Code::kNotFound, "no such index [" + call->names[0] + "]"));
    list.push_back({{"name", call->names[0]}, {"timestamp_field", {{"name", "@timestamp"}}}, {"status", "GREEN"}});
  }
  answer(call, {{"data_streams", std::move(list)}});
}

// The one number that `stats count()` answers.
class CountReceiver final : public query::Receiver {
 public:
  Status begin(const std::vector<query::OutputColumn>&) override { return {}; }
  Status rows(const query::RowBatch& batch) override {
    if (batch.rows > 0 && !batch.columns.empty()) count_ = static_cast<uint64_t>(batch.columns[0]->value(0).i64());
    return {};
  }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
};

// Events of a dataset that are not deleted; the store's own number counts them until their bytes are gone.
uint64_t EsAdmin::count_alive(const CallPtr& call, const std::string& dataset) {
  query::Request request;
  request.text = "source=`" + dataset + "` | stats count()";
  request.access = call->access;
  request.limits = parts.settings.now().query_limits;
  CountReceiver receiver;
  query::Outcome outcome = parts.engine.run(request, receiver, {});
  return outcome.failure ? 0 : receiver.count();
}

Result<std::optional<contract::DatasetInfo>> EsAdmin::find_dataset(const CallPtr& call, const std::string& index) {
  std::vector<contract::DatasetInfo> datasets = CLEW_TRY(parts.store.datasets(call->access));
  std::string_view name = wire::dataset_of_index(index);
  for (contract::DatasetInfo& info : datasets) {
    if (info.name != index && info.name != name) continue;
    info.rows = count_alive(call, info.name);
    if (info.rows > 0) return std::optional<contract::DatasetInfo>(std::move(info));
  }
  return std::optional<contract::DatasetInfo>();
}

// Types that a mapping declares and that queries can honour.
std::optional<model::Type> type_of_mapping(const std::string& type) {
  if (type == "keyword" || type == "text" || type == "match_only_text" || type == "wildcard")
    return model::Type::kString;
  if (type == "byte" || type == "short" || type == "integer") return model::Type::kInt;
  if (type == "long") return model::Type::kLong;
  if (type == "unsigned_long") return model::Type::kULong;
  if (type == "double" || type == "scaled_float") return model::Type::kDouble;
  if (type == "float" || type == "half_float") return model::Type::kFloat;
  if (type == "boolean") return model::Type::kBool;
  if (type == "date" || type == "date_nanos") return model::Type::kTimestamp;
  if (type == "ip") return model::Type::kIp;
  return std::nullopt;
}

void collect_types(const Json& properties, const std::string& prefix, int depth,
                   std::vector<std::pair<std::string, model::Type>>& types) {
  constexpr int kDepthMax = 64;
  if (!properties.is_object() || depth > kDepthMax) return;
  for (const auto& [name, field] : properties.items()) {
    if (!field.is_object()) continue;
    std::string path = prefix.empty() ? name : prefix + "." + name;
    if (field.contains("properties")) collect_types(field["properties"], path, depth + 1, types);
    auto type = field.find("type");
    if (type == field.end() || !type->is_string()) continue;
    if (auto known = type_of_mapping(type->get<std::string>())) types.emplace_back(path, *known);
  }
}

void EsAdmin::index_put(const CallPtr& call) {
  const std::string& index = call->names[0];
  // <name-{now/d}-000001>: Beats make the first index of an alias so; the alias is what they write to.
  if (index.starts_with('<')) {
    return answer(call, {{"acknowledged", true}, {"shards_acknowledged", true}, {"index", index}});
  }
  std::string dataset(wire::dataset_of_index(index));
  if (Status named = wire::check_dataset_name(dataset); !named.ok()) return answer_error(*call, kShape, named.error());
  std::vector<std::pair<std::string, model::Type>> types;
  if (!call->request().body.empty()) {
    Json body = Json::parse(call->request().body, nullptr, false);
    if (body.is_discarded() || !body.is_object()) {
      return answer_error(*call, kShape, Error(Code::kInvalid, "the body is not a JSON object"));
    }
    const Json& mappings = body.contains("mappings") ? body["mappings"] : body;
    if (mappings.is_object() && mappings.contains("properties")) collect_types(mappings["properties"], "", 0, types);
  }
  if (!types.empty()) {
    Status declared = parts.store.declare_types(call->access, dataset, std::move(types));
    if (!declared.ok()) return answer_error(*call, kShape, declared.error());
  }
  answer(call, {{"acknowledged", true}, {"shards_acknowledged", true}, {"index", index}});
}

void EsAdmin::index_get(const CallPtr& call) {
  auto found = find_dataset(call, call->names[0]);
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  if (!*found) return answer_error(*call, kShape, Error(Code::kNotFound, "no such index [" + call->names[0] + "]"));
  answer(call, {{call->names[0],
                 {{"aliases", Json::object()},
                  {"mappings", Json::object()},
                  {"settings", {{"index", {{"number_of_shards", "1"}, {"number_of_replicas", "0"}}}}}}}});
}

void EsAdmin::index_delete(const CallPtr& call) {
  auto found = find_dataset(call, call->names[0]);
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  // Only the dataset itself: an index that is a day of it does not take the other days along.
  if (!*found || (*found)->name != call->names[0]) {
    return answer_error(*call, kShape, Error(Code::kNotFound, "no such index [" + call->names[0] + "]"));
  }
  auto deleted = parts.store.delete_dataset(call->access, (*found)->name);
  if (!deleted.ok()) return answer_error(*call, kShape, deleted.error());
  acknowledge(call);
}

void EsAdmin::index_refresh(const CallPtr& call) {
  // Whatever was acknowledged is visible already.
  answer(call, {{"_shards", {{"total", 1}, {"successful", 1}, {"failed", 0}}}});
}

void EsAdmin::index_count(const CallPtr& call) {
  if (call->request().body.find("\"query\"") != std::string_view::npos &&
      call->request().body.find("match_all") == std::string_view::npos) {
    return answer_error(*call, kShape,
                        Error(Code::kInvalid, "_count takes no query but match_all; ask /_plugins/_ppl"));
  }
  auto found = find_dataset(call, call->names[0]);
  if (!found.ok()) return answer_error(*call, kShape, found.error());
  if (!*found) return answer_error(*call, kShape, Error(Code::kNotFound, "no such index [" + call->names[0] + "]"));
  answer(call,
         {{"count", (*found)->rows}, {"_shards", {{"total", 1}, {"successful", 1}, {"skipped", 0}, {"failed", 0}}}});
}

}  // namespace

std::vector<Route> es_greeting_routes(ReceiverParts& parts) {
  Handler root = [version = parts.version](CallPtr call) { answer(call, greeting(version)); };
  Handler license = [](CallPtr call) { answer(call, {{"license", license_json()}}); };
  return {{"GET", "/", Need::kIngest, Place::kHere, kShape, root},
          {"GET", "/_license", Need::kIngest, Place::kHere, kShape, license}};
}

std::vector<Route> es_admin_routes(ServerParts& parts) {
  auto es = std::make_shared<EsAdmin>(parts);
  using Method = void (EsAdmin::*)(const CallPtr&);
  auto to = [es](Method method) -> Handler { return [es, method](CallPtr call) { ((*es).*method)(call); }; };
  auto route = [&to](const char* method, const char* pattern, Need need, Method handler, Place place = Place::kHere) {
    return Route{method, pattern, need, place, kShape, to(handler)};
  };
  std::vector<Route> routes = {
      route("GET", "/", Need::kIngest, &EsAdmin::root),
      route("GET", "/_cluster/health", Need::kIngest, &EsAdmin::health),
      route("GET", "/_cluster/health/{INDEX}", Need::kIngest, &EsAdmin::health),
      route("GET", "/_license", Need::kIngest, &EsAdmin::license),
      route("GET", "/_xpack", Need::kIngest, &EsAdmin::xpack),
      route("GET", "/_nodes", Need::kIngest, &EsAdmin::nodes),
      route("GET", "/_nodes/http", Need::kIngest, &EsAdmin::nodes),
      route("GET", "/_nodes/_all/http", Need::kIngest, &EsAdmin::nodes),
      route("GET", "/_cat/indices", Need::kRead, &EsAdmin::cat_indices, Place::kPool),
      route("GET", "/_cat/indices/{INDEX}", Need::kRead, &EsAdmin::cat_indices, Place::kPool),
      route("*", "/_alias", Need::kIngest, &EsAdmin::aliases),
      route("*", "/_alias/{NAME}", Need::kIngest, &EsAdmin::aliases),
      route("*", "/_aliases", Need::kIngest, &EsAdmin::aliases),
      route("*", "/{INDEX}/_alias/{NAME}", Need::kIngest, &EsAdmin::aliases),
      route("*", "/_data_stream", Need::kIngest, &EsAdmin::data_stream, Place::kPool),
      route("*", "/_data_stream/{NAME}", Need::kIngest, &EsAdmin::data_stream, Place::kPool),
      route("PUT", "/{INDEX}", Need::kIngest, &EsAdmin::index_put, Place::kPool),
      route("PUT", "/{INDEX}/_mapping", Need::kIngest, &EsAdmin::index_put, Place::kPool),
      route("GET", "/{INDEX}", Need::kIngest, &EsAdmin::index_get, Place::kPool),
      route("DELETE", "/{INDEX}", Need::kAdmin, &EsAdmin::index_delete, Place::kPool),
      route("*", "/_refresh", Need::kIngest, &EsAdmin::index_refresh),
      route("*", "/{INDEX}/_refresh", Need::kIngest, &EsAdmin::index_refresh),
      route("*", "/{INDEX}/_flush", Need::kIngest, &EsAdmin::index_refresh),
      route("GET", "/{INDEX}/_count", Need::kRead, &EsAdmin::index_count, Place::kPool),
      route("POST", "/{INDEX}/_count", Need::kRead, &EsAdmin::index_count, Place::kPool),
  };
  for (const char* kind :
       {"/_index_template", "/_component_template", "/_template", "/_ilm/policy", "/_ingest/pipeline"}) {
    routes.push_back({"*", kind, Need::kIngest, Place::kHere, kShape, to(&EsAdmin::document)});
    routes.push_back({"*", std::string(kind) + "/{NAME}", Need::kIngest, Place::kHere, kShape, to(&EsAdmin::document)});
  }
  return routes;
}

}  // namespace clew::api
