// chart [limit=N] AGGREGATE over ROW [by COLUMN]: one aggregate over two keys, in rows.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_chart(CommandParser& parser);

}  // namespace clew::query::ppl
