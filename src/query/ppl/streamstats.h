// streamstats [current=false] [window=N] [global=false] AGGREGATE, .. [by FIELD, ..]: running aggregates.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_streamstats(CommandParser& parser);

}  // namespace clew::query::ppl
