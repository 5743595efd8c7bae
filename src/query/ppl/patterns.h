// patterns: message templates.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_patterns(CommandParser& parser);

}  // namespace clew::query::ppl
