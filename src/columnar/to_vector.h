// From decoded blocks to the vectors that queries compute on.
#pragma once

#include "columnar/column_view.h"
#include "model/rest.h"
#include "model/vector.h"

namespace clew::columnar {

// The flat vector of a dictionary's entries; Layout::kDict vectors share it.
model::VectorPtr dictionary_vector(const DictionaryPtr& dictionary);

// Values of the rows `rows[i] - begin` of a block that begins at row `begin`. `dictionary`: dictionary_vector of
// values.dictionary, null when it has none.
model::VectorPtr to_vector(BlockValues values, uint32_t begin, const model::Selection& rows,
                           const model::VectorPtr& dictionary);

// One stored value as queries see it.
model::Value to_value(const model::RestField& field);
// Row `row` of the block. Requires: it has a value.
model::RestField field_at(const BlockValues& values, uint32_t row);

// The elements of a kArray text.
model::Values array_items(std::string_view text);

}  // namespace clew::columnar
