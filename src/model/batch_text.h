// The canonical text of a batch's rows: for tests, `inspect` and error messages, not for loops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/batch.h"
#include "model/rest.h"

namespace clew::model {

// The value that a column has for a row.
std::optional<RestField> value_at(const Column& column, uint32_t row);
// The same by field name, looking into `_rest` too.
std::optional<RestField> value_of(const Batch& batch, std::string_view field, uint32_t row);

// {"_time":"2026-11-20T10:37:05Z",...}: `_time` and `_flags` (as names) first, then the columns by name. `_shape` is
// left out; the fields of `_rest` stand among the others.
std::string row_text(const Batch& batch, uint32_t row);

// The event as it came: its `_raw`, or the document that its `_shape` describes, or without either its fields.
std::string row_document(const Batch& batch, uint32_t row);

}  // namespace clew::model
