// Minimum and maximum of columns.
#pragma once

#include "columnar/column_view.h"
#include "columnar/directory.h"

namespace clew::columnar {

// The number that a value of a kind with ints stands for, rounded to a double; exact up to 15 digits.
double number_of(model::Kind kind, int64_t lane, uint8_t scale);

// `entries`: the column's distinct texts when it has a dictionary.
ChunkStats stats_of(const ColumnView& column, const Chunk& chunk, const std::vector<std::string_view>* entries);

}  // namespace clew::columnar
