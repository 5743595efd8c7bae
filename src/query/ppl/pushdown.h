// What a bound condition lets the source leave out early.
#pragma once

#include <optional>

#include "contract/event_source.h"
#include "expr/bind.h"
#include "query/exec/scan.h"
#include "query/ppl/context.h"

namespace clew::query::ppl {

// Every row for which `condition` is TRUE meets the predicate. None when nothing can be said.
std::optional<exec::ConditionHint> condition_hint(SourceFields& fields, const expr::Bound& condition);

// That the text of a stored field, whose column lies in `slot`, has `piece` in it. None when the column is anything
// else.
std::optional<contract::Predicate> contains_hint(SourceFields& fields, uint32_t slot, std::string_view piece);

// The range of @timestamp that `condition` means exactly; none when it means anything else.
std::optional<contract::TimeRange> condition_range(SourceFields& fields, const expr::Bound& condition);

contract::TimeRange intersect(const contract::TimeRange& a, const contract::TimeRange& b);

}  // namespace clew::query::ppl
