// head [N] [from OFFSET]: the first N rows (10).
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_head(CommandParser& parser);

}  // namespace clew::query::ppl
