// Trees as text again.
#pragma once

#include <string>

#include "query/promql/ast.h"

namespace clew::query::promql {

// On one line. What it parses to prints the same.
std::string print(const Expr& expr);
// Over several lines where one would be long.
std::string print_pretty(const Expr& expr);
// A node without what lies below, for plans: `sum by (job)`, `rate()`, `up{job="a"}[5m]`.
std::string print_node(const Expr& expr);
std::string print_matchers(const std::string& name, const std::vector<contract::LabelMatcher>& matchers);

}  // namespace clew::query::promql
