// Granules over row groups: what queries read.
#pragma once

#include "columnar/row_group.h"

namespace clew::columnar {

// Rows with _seq > up_to or in `deleted` are not alive.
contract::GranulePtr make_granule(std::shared_ptr<const RowGroup> group, Seq up_to, DeletedRows deleted,
                                  Reading reading);

}  // namespace clew::columnar
