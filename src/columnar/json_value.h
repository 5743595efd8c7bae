// Values of JSON text, for the elements of stored arrays.
#pragma once

#include <string_view>

#include "model/value.h"

namespace clew::columnar {

constexpr int kJsonDepthMax = 64;

// The value of a JSON text; empty or malformed text: null for empty, else the text itself as a string.
model::Value json_value(std::string_view text);

}  // namespace clew::columnar
