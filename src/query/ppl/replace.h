// replace 'A' WITH 'B', .. IN FIELD, ..: rewrites values; `*` stands for any text.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_replace(CommandParser& parser);

}  // namespace clew::query::ppl
