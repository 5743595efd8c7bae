// expand and mvexpand: one row for every element of an array.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_expand(CommandParser& parser);
Result<CommandPtr> parse_mvexpand(CommandParser& parser);

}  // namespace clew::query::ppl
