// top [N] FIELD, .. [by FIELD, ..]: the most frequent combinations; rare: the least frequent ones.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_top(CommandParser& parser);
Result<CommandPtr> parse_rare(CommandParser& parser);

}  // namespace clew::query::ppl
