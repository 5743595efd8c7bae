// timechart [span=..] [limit=N] AGGREGATE [by FIELD]: one aggregate over spans of time, by the greatest series.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_timechart(CommandParser& parser);

}  // namespace clew::query::ppl
