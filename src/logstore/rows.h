// Copies rows from one batch to another.
#pragma once

#include <cstdint>

#include "model/batch.h"

namespace clew::logstore {

// Appends the rows [begin, end) of `from` to `to`, values, flags and origins as they are.
// Requires: the same dataset; end <= from.rows().
// Cost: per column and run of one kind, text in one piece.
void append_rows(const model::Batch& from, uint32_t begin, uint32_t end, model::Batch& to);

}  // namespace clew::logstore
