// fields [+|-] NAME, ..: keeps or drops columns; `*` in names. `table` is the same.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

Result<CommandPtr> parse_fields(CommandParser& parser);

// Columns of the scope whose names match `pattern`; for a name without `*` the column itself.
// Errors: FIELD_NOT_FOUND for a plain name that is not there.
Result<std::vector<Column>> matching_columns(Pipeline& pipeline, const std::string& pattern);

}  // namespace clew::query::ppl
