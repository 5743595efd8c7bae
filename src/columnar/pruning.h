// Which row groups of a segment may hold a matching row.
#pragma once

#include <span>

#include "columnar/row_group.h"
#include "columnar/segment_format.h"

namespace clew::columnar {

struct PruneInput {
  const std::shared_ptr<const os::File>& file;
  const IndexPlace& index;
  const std::vector<std::shared_ptr<const RowGroup>>& groups;
};

// One bool per row group: statistics first, then the token index for those that are left.
// Errors: none that matter to the answer: an index page that cannot be read means "perhaps".
Result<std::vector<bool>> prune(const PruneInput& in, const contract::Predicate& where, contract::ScanStats& stats);

// Names and types of all public fields.
std::vector<contract::FieldInfo> fields_of(std::span<const RowGroup* const> groups);

}  // namespace clew::columnar
