// A query as a tree in JSON, as Prometheus' /api/v1/parse_query gives it.
#pragma once

#include "api/json_writer.h"
#include "query/promql/ast.h"

namespace clew::api {

void write_promql_tree(const query::promql::Expr& expr, JsonWriter& json);

}  // namespace clew::api
