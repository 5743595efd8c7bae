// lookup: columns from another dataset.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_lookup(CommandParser& parser);

}  // namespace clew::query::ppl
