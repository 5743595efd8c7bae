// What there is to ask about: datasets and their fields.
#include "api/query_json.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

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
    Json origins = Json::array();
    for (int i = 0; i < model::kOriginCount; ++i) {
      if ((field.origins >> i & 1) != 0) origins.push_back(std::string(model::origin_name(i)));
    }
    list.push_back({{"name", field.name},
                    {"types", std::move(types)},
                    {"origins", std::move(origins)},
                    {"first_seen", rfc3339(field.first_seen)},
                    {"last_seen", rfc3339(field.last_seen)}});
  }
  answer_json(call, {{"fields", std::move(list)}});
}

}  // namespace

std::vector<Route> catalog_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  return {
      {"GET", "/clew/v1/datasets", Need::kRead, Place::kPool, kShape, [p](CallPtr c) { list_datasets(*p, c); }},
      {"GET", "/clew/v1/datasets/{NAME}/fields", Need::kRead, Place::kPool, kShape,
       [p](CallPtr c) { list_fields(*p, c); }},
  };
}

}  // namespace clew::api
