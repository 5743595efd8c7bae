// head [N] [from OFFSET]: the first N rows (10); tail [N]: the last ones, last first.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_head(CommandParser& parser);
Result<CommandPtr> parse_tail(CommandParser& parser);

}  // namespace clew::query::ppl
