// Patterns of texts (text::message_pattern): what texts that differ only in their variables have in common. Told from
// the templates or the dictionary of a column where it has them, without its texts.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "columnar/row_group.h"
#include "model/vector.h"

namespace clew::columnar {

// The patterns of a chunk's entries. Frozen once made.
struct PatternEntries {
  model::VectorPtr patterns;    // flat strings, each once
  std::vector<uint32_t> codes;  // by template, or by entry of the dictionary: which pattern
};
using PatternEntriesPtr = std::shared_ptr<const PatternEntries>;

PatternEntriesPtr patterns_of_templates(const Templates& templates);
PatternEntriesPtr patterns_of_texts(std::span<const std::string_view> texts);

// The patterns of a vector coded by the dictionary that `known` was made of.
model::VectorPtr recoded(const model::Vector& texts, const PatternEntries& known);

// The patterns of values: of texts, and of what other values print as.
model::VectorPtr patterns_of_values(const model::Vector& values);

// The patterns of the chosen rows, positions in the row group inside `block`. Null where a row has no text.
// Requires: the chunk holds strings only, kept as templates; `known` was made of them.
// Errors:   kCorrupt, kIo.
Result<model::VectorPtr> patterns_of_block(const RowGroup& group, const Chunk& chunk, const Templates& templates,
                                           const PatternEntriesPtr& known, uint32_t block, const model::Selection& rows,
                                           contract::ScanStats& stats);

}  // namespace clew::columnar
