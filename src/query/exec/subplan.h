// Plans inside plans: what append, join and subsearches run.
#pragma once

#include <vector>

#include "contract/event_source.h"
#include "query/exec/operator.h"
#include "query/exec/plan.h"

namespace clew::query::exec {

// Pushes the plan's rows into `target`, column i of the plan at slots[i]; does not finish the target.
Status run_into(Run& run, contract::EventSource& source, const Plan& plan, const std::vector<Slot>& slots,
                Operator& target);

// All rows of a plan, its columns at their own slots, accounted in `held`.
// Errors: kLimit when there are more than `rows_max` (0: any number) or more than the query's memory takes.
Result<std::vector<Block>> collect_rows(Run& run, contract::EventSource& source, const Plan& plan, Held& held,
                                        uint64_t rows_max, std::string_view limit_name);

}  // namespace clew::query::exec
