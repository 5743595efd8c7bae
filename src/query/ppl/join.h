// join: rows of two searches side by side.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_join(CommandParser& parser);
// `left join ..`: the command is the kind of the join.
Result<CommandPtr> parse_join_kind(CommandParser& parser);

}  // namespace clew::query::ppl
