// Search expressions at work: which rows of a block match (docs/language/search.md).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "contract/event_source.h"
#include "query/exec/scan.h"
#include "query/ppl/context.h"
#include "query/ppl/search.h"

namespace clew::query::ppl {

// Binds a search expression to the fields of the datasets. A field that no event has matches nothing.
// Errors: kInvalid with the fault in the context: a time that is none.
Result<exec::ConditionPtr> bind_search(Context& context, SourceFields& fields, const SearchPtr& node);

// What the source may leave out early: every row that matches `node` meets it. None when nothing can be said.
std::optional<contract::Predicate> search_hint(SourceFields& fields, const SearchNode& node);

// The time that an earliest= or latest= names. Errors: kInvalid with the fault in the context.
Result<int64_t> bind_time(Context& context, const SearchNode& node);

}  // namespace clew::query::ppl
