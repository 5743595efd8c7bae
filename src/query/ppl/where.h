// where CONDITION: keeps rows for which the condition is TRUE.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_where(CommandParser& parser);

}  // namespace clew::query::ppl
