// makeresults: rows out of nothing.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_makeresults(CommandParser& parser);

}  // namespace clew::query::ppl
