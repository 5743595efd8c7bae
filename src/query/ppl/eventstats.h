// eventstats AGGREGATE, .. [by FIELD, ..]: adds to every row the aggregates of its group.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_eventstats(CommandParser& parser);

}  // namespace clew::query::ppl
