// bin FIELD [span=..] [bins=N] [minspan=N] [start=N] [end=N] [aligntime=T] [as NAME]: values cut into ranges.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_bin(CommandParser& parser);

}  // namespace clew::query::ppl
