// addtotals and addcoltotals: sums of rows and of columns.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_addtotals(CommandParser& parser);
Result<CommandPtr> parse_addcoltotals(CommandParser& parser);

}  // namespace clew::query::ppl
