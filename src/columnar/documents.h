// Events as they came.
#pragma once

#include "columnar/fields.h"

namespace clew::columnar {

// The raw line of each row, or its JSON document rebuilt from shape and fields.
Result<std::vector<std::string>> documents_of(const Fields& fields, uint32_t block, const model::Selection& rows,
                                              contract::ScanStats& stats);

}  // namespace clew::columnar
