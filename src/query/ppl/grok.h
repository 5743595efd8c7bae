// grok: columns from a grok pattern.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_grok(CommandParser& parser);

}  // namespace clew::query::ppl
