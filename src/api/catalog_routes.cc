// What there is to ask about: datasets, their fields, queries.
#include <charconv>

#include "api/json_body.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

void answer_json(const CallPtr& call, const Json& json) {
  call->exchange->answer({.headers = {}, .body = dump_json(json) + "\n"});
}

void list_datasets(ServerParts& parts, const CallPtr& call) {
  auto datasets = parts.store.datasets(call->access);
  if (!datasets.ok()) return answer_error(*call, kShape, datasets.error());
  Json list = Json::array();
  for (const contract::DatasetInfo& info : *datasets) {
    list.push_back({{"name", info.name},
                    {"rows", info.rows},
                    {"bytes", info.bytes},
                    {"time_min", rfc3339(info.time_min)},
                    {"time_max", rfc3339(info.time_max)}});
  }
  answer_json(call, {{"datasets", std::move(list)}});
}

void list_fields(ServerParts& parts, const CallPtr& call) {
  auto fields = parts.store.fields(call->access, call->names[0]);
  if (!fields.ok()) return answer_error(*call, kShape, fields.error());
  Json list = Json::array();
  for (const contract::FieldInfo& field : *fields) {
    Json types = Json::array();
    for (model::Type type : field.types) types.push_back(std::string(model::type_name(type)));
    list.push_back({{"name", field.name},
                    {"types", std::move(types)},
                    {"first_seen", rfc3339(field.first_seen)},
                    {"last_seen", rfc3339(field.last_seen)}});
  }
  answer_json(call, {{"fields", std::move(list)}});
}

void list_queries(ServerParts& parts, const CallPtr& call) {
  Json list = Json::array();
  for (const query::QueryRecord& record : parts.engine.queries()) {
    if (record.tenant != call->access.tenant.get()) continue;
    list.push_back({{"id", record.id},
                    {"query", record.text},
                    {"started", rfc3339(record.started.get())},
                    {"running", record.running},
                    {"state", record.state},
                    {"ms", static_cast<double>(record.stats.nanos) / 1e6},
                    {"rows_scanned", record.stats.rows_scanned},
                    {"bytes_read", record.stats.bytes_read},
                    {"memory_bytes_peak", record.stats.memory_bytes_peak}});
  }
  answer_json(call, {{"queries", std::move(list)}});
}

void cancel_query(ServerParts& parts, const CallPtr& call) {
  const std::string& text = call->names[0];
  uint64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || !parts.engine.cancel(id)) {
    return answer_error(*call, kShape, Error(Code::kNotFound, "no running query " + clew::quoted(text)));
  }
  answer_json(call, {{"cancelled", id}});
}

}  // namespace

std::vector<Route> catalog_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  return {
      {"GET", "/clew/v1/datasets", Need::kRead, Place::kPool, kShape, [p](CallPtr c) { list_datasets(*p, c); }},
      {"GET", "/clew/v1/datasets/{NAME}/fields", Need::kRead, Place::kPool, kShape,
       [p](CallPtr c) { list_fields(*p, c); }},
      {"GET", "/clew/v1/queries", Need::kRead, Place::kHere, kShape, [p](CallPtr c) { list_queries(*p, c); }},
      {"DELETE", "/clew/v1/queries/{ID}", Need::kRead, Place::kHere, kShape, [p](CallPtr c) { cancel_query(*p, c); }},
  };
}

}  // namespace clew::api
