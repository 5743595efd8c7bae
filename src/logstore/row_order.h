// Cuts rows into row groups that follow each other in time.
#pragma once

#include <cstdint>
#include <vector>

#include "columnar/segment.h"

namespace clew::logstore {

struct TimedRow {
  int64_t time = 0;
  columnar::RowRef ref;
};

// Groups of at most `rows_max` rows: every time of a group is at most every time of the next. Rows inside a group are
// in the order they came in, or by time. `rows` is used up. Cost: two passes over the rows when their times are spread,
// a sort where many share a moment.
std::vector<std::vector<columnar::RowRef>> cut_by_time(std::vector<TimedRow>& rows, uint32_t rows_max);

}  // namespace clew::logstore
