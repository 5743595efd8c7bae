// rename OLD as NEW, ..: other names for columns; `*` on both sides.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_rename(CommandParser& parser);

}  // namespace clew::query::ppl
