// sort [N] [+|-] FIELD [asc|desc], ..: orders rows; nulls first ascending, last descending.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_sort(CommandParser& parser);

}  // namespace clew::query::ppl
