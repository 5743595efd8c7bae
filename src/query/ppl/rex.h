// rex field=FIELD [mode=sed] [max_match=N] [offset_field=NAME] 'REGEX': columns from named groups; no match gives null.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_rex(CommandParser& parser);

}  // namespace clew::query::ppl
