// Plans as text.
#pragma once

#include <string>

#include "query/promql/ast.h"
#include "query/promql/context.h"

namespace clew::query::promql {

// A line per node. With a context: what each has done.
std::string plan_text(const Expr& expr, Context* context);

}  // namespace clew::query::promql
