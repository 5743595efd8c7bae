// Which errors are the same: each event that is one gets the name of its group, so that millions of them are counted as
// some tens of kinds.
#pragma once

#include <string>
#include <string_view>

#include "model/batch.h"
#include "model/own_fields.h"

namespace clew::process {

// The group of an error, 16 hex digits: its type, its message without variables, and the frames nearest to the failure.
std::string error_fingerprint(std::string_view type, std::string_view message, std::string_view stack);

// Writes model::kErrorGroupField for the rows that have a stack trace or an error's type or message, or whose level is
// error or worse; other rows and batches without such columns are left as they are.
// Cost: a look at the level of every row; the shape of the message of those that are errors.
void add_error_groups(model::Batch& batch);

}  // namespace clew::process
