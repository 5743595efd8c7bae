// JSON text to a value of the query model.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/value.h"

namespace clew::query::exec {

constexpr int kJsonDepthMax = 64;

// Objects become structs, integers kLong or kULong, other numbers (and -0) kDouble.
// Errors: kInvalid for a text that is no JSON value, or deeper than kJsonDepthMax.
Result<model::Value> parse_json(std::string_view text);

}  // namespace clew::query::exec
