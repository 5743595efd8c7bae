// fillnull [with VALUE in FIELD, ..] or using FIELD = VALUE, ..: other values for null.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_fillnull(CommandParser& parser);

}  // namespace clew::query::ppl
