// spath: values out of JSON text.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_spath(CommandParser& parser);

}  // namespace clew::query::ppl
