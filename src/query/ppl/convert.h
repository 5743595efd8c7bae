// convert: texts to numbers, times and durations.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_convert(CommandParser& parser);

}  // namespace clew::query::ppl
