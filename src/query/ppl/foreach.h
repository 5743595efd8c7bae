// foreach: an eval for every field or every element.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_foreach(CommandParser& parser);

}  // namespace clew::query::ppl
