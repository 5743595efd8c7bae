// xyseries: pivots rows to columns.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_xyseries(CommandParser& parser);

}  // namespace clew::query::ppl
