// nomv: an array as one text.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_nomv(CommandParser& parser);

}  // namespace clew::query::ppl
