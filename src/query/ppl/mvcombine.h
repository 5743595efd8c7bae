// mvcombine: rows that differ in one field only become one.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_mvcombine(CommandParser& parser);

}  // namespace clew::query::ppl
