// union and multisearch: the rows of several searches.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_union(CommandParser& parser);
Result<CommandPtr> parse_multisearch(CommandParser& parser);

}  // namespace clew::query::ppl
