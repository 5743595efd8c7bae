// Stored rows as batches again: the inverse of encoding, over many sources.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/row_source.h"
#include "columnar/segment.h"
#include "model/batch.h"

namespace clew::columnar {

// The rows in the order named, the first counts[0] of them as the first batch and so on, with the columns they have,
// `_seq` and those in `but` left out; values come back exactly. Fields beyond model::kColumnsMax lie in `_rest`. `ids`,
// when not empty, has a text per row: its `_id` where it has none of its own and the text is not empty.
// Requires: sources of one dataset; counts above 0, together as many as there are rows.
// Errors: kCorrupt, kIo when a block that is needed cannot be read.
Result<std::vector<model::Batch>> gather_batches(std::span<const RowSourcePtr> sources, std::span<const RowRef> rows,
                                                 std::span<const uint32_t> counts,
                                                 std::span<const std::string_view> but,
                                                 std::span<const std::string> ids);

}  // namespace clew::columnar
