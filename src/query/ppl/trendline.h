// trendline: moving averages.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_trendline(CommandParser& parser);

}  // namespace clew::query::ppl
