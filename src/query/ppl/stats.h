// stats AGGREGATE [as NAME], .. [by [span(..),] FIELD, ..]: one row per group.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_stats(CommandParser& parser);

}  // namespace clew::query::ppl
