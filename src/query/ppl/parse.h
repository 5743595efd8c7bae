// parse FIELD 'REGEX': columns from the named groups of a regular expression; no match gives empty texts.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_parse(CommandParser& parser);

}  // namespace clew::query::ppl
