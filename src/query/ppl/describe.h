// describe: the fields of a dataset.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_describe(CommandParser& parser);

}  // namespace clew::query::ppl
