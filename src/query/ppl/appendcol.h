// appendcol: the columns of another search beside.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_appendcol(CommandParser& parser);

}  // namespace clew::query::ppl
