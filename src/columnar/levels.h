// Counts by minute and canonical level, and the order of rows inside a row group.
#pragma once

#include <span>
#include <vector>

#include "columnar/row_group.h"
#include "columnar/segment.h"

namespace clew::columnar {

// `times[i]` is `_time` of rows[i].
Result<std::vector<contract::MinuteCount>> count_minutes(std::span<const std::shared_ptr<const RowGroup>> groups,
                                                         std::span<const RowRef> rows,
                                                         const std::vector<int64_t>& times);

}  // namespace clew::columnar
