// timewrap: periods of a timechart side by side.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_timewrap(CommandParser& parser);

}  // namespace clew::query::ppl
