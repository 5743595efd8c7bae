// append [ SEARCH | .. ]: the rows of another search below.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_append(CommandParser& parser);

}  // namespace clew::query::ppl
