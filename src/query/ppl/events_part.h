// What of a query chooses events: for the histogram, facets and tail beside its answer.
#pragma once

#include <string>

#include "query/ppl/query.h"

namespace clew::query::ppl {

// The query whose search reads the store: inside all `source=[..]`.
const Query& innermost(const Query& query);

// The search and the commands behind which every row still is one event with all its fields, as PPL text. Left out are
// commands that only choose columns or order; the first command that makes other rows, and those after it, end it.
// Of `source=[..]` it is that of the query inside.
// Requires: !innermost(query).own_rows.
std::string events_part(const Query& query);

}  // namespace clew::query::ppl
