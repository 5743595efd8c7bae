// dedup [N] FIELD, .. [keepempty=true] [consecutive=true]: the first N rows of every combination.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_dedup(CommandParser& parser);

}  // namespace clew::query::ppl
