// Narrowing rows by one condition on encoded columns.
#pragma once

#include "columnar/fields.h"

namespace clew::columnar {

// Keeps of `rows` (positions in the granule, all in `block`) those that satisfy the leaf. False, with rows untouched,
// when column() and a comparison are as good. Errors: kCorrupt, kIo.
Result<bool> filter_rows(const Fields& fields, const contract::Predicate& leaf, uint32_t block, model::Selection& rows,
                         contract::ScanStats& stats);

}  // namespace clew::columnar
