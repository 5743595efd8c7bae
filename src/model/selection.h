// Differences of selections.
#pragma once

#include "model/vector.h"

namespace clew::model {

// The rows of `all` that are not in `taken`. Requires: both rise, and all has every row of taken.
Selection without(const Selection& all, const Selection& taken);

}  // namespace clew::model
