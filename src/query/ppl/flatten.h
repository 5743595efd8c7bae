// flatten: the members of a struct as columns.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_flatten(CommandParser& parser);

}  // namespace clew::query::ppl
