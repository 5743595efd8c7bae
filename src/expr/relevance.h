// The functions that ask for words: match, match_phrase, match_phrase_prefix, match_bool_prefix, multi_match,
// query_string, simple_query_string.
#pragma once

#include <string_view>
#include <vector>

#include "expr/bind.h"

namespace clew::expr {

struct TextClause;

bool is_relevance(std::string_view name);      // lower case
bool takes_field_list(std::string_view name);  // `multi_match(['title', 'body' ^ 2], 'text')`
std::vector<std::string_view> relevance_names();

// Errors: as Binder::bind.
Result<BoundPtr> bind_relevance(Binder& binder, Schema& schema, const Expr& expr);

// The query of a bound call; its fields are the call's arguments. Null for every other call.
const TextClause* text_clause_of(const Bound& bound);

}  // namespace clew::expr
