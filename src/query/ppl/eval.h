// eval NAME = EXPRESSION, ..: adds or overwrites columns, left to right.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_eval(CommandParser& parser);
// As eval; texts may be joined by dots.
Result<CommandPtr> parse_fieldformat(CommandParser& parser);

}  // namespace clew::query::ppl
