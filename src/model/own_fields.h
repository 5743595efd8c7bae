// Columns that clew adds to events besides those of batch.h.
#pragma once

#include <string_view>

namespace clew::model {

constexpr std::string_view kErrorGroupField = "_error_group";  // kString: of an error, which ones are the same

}  // namespace clew::model
