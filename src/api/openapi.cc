// /clew/v1/openapi.json: src/api/openapi.json as it was built in, and the routes that there are.
#include "api/openapi_document.h"
#include "api/query_json.h"
#include "api/routes.h"

namespace clew::api {

Route openapi_route(const Router& router) {
  return {"GET", "/clew/v1/openapi.json", Need::kRead, Place::kHere, ErrorShape::kClew, [&router](CallPtr call) {
            Json document = Json::parse(openapi_document());
            // What a test compares the paths with.
            Json routes = Json::array();
            for (const Route& route : router.routes()) routes.push_back(route.method + " " + route.pattern);
            document["x-clew-routes"] = std::move(routes);
            answer_json(call, document);
          }};
}

}  // namespace clew::api
