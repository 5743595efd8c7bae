// appendpipe: the rows of further commands over the present rows, below.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_appendpipe(CommandParser& parser);

}  // namespace clew::query::ppl
