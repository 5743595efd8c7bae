// reverse: the rows in reverse order.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_reverse(CommandParser& parser);

}  // namespace clew::query::ppl
