// regex FIELD='REGEX' or FIELD!='REGEX': keeps rows whose field matches.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_regex(CommandParser& parser);

}  // namespace clew::query::ppl
