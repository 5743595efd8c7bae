// Subsearches in expressions: `x in [ .. ]`, `exists [ .. ]`, `x > [ .. ]`.
//
// One that names nothing of the query around it is run while that query is planned, and its answer stands in the
// expression as constants: conditions made of it move into the scan as any other. One that does (`where outer.a = b`)
// is run once for every different combination of those values.
#pragma once

#include "expr/ast.h"
#include "expr/parse.h"
#include "query/ppl/command.h"

namespace clew::query::ppl {

constexpr uint64_t kSubsearchRowsMax = 10'000;   // of an answer that becomes part of an expression
constexpr uint64_t kSubsearchTuplesMax = 1'000;  // the same, of several columns
constexpr size_t kSubsearchRunsMax = 10'000;     // of one that depends on the rows around it

expr::SubsearchParser subsearch_parser(CommandParser::ParseQuery parse_query);

bool has_subsearch(const expr::Expr& expr);

// The expression with its subsearches answered, steps added to the pipeline where they depend on its rows; null when it
// has none.
Result<expr::ExprPtr> without_subsearches(Pipeline& pipeline, const expr::Expr& expr);

}  // namespace clew::query::ppl
