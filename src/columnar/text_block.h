// The texts of one block in one of the forms of TextForm.
#pragma once

#include <span>

#include "columnar/block.h"

namespace clew::columnar {

// The texts of a block: `texts[i]` stands in row `rows[i]` of the chunk.
struct BlockTexts {
  std::span<const std::string_view> texts;  // empty when they are codes or `typed`
  std::span<const uint32_t> rows;
  const TypedLane* typed = nullptr;
};

// Appends form and texts. Gives true when decoding needs `_time`.
bool encode_texts(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out);

// The decoded texts: either `texts`, or `codes` into the chunk's dictionary, or `templates`, or `typed`.
struct DecodedTexts {
  std::vector<std::string_view> texts;
  std::vector<uint32_t> codes;
  bool coded = false;
  std::shared_ptr<TypedValues> typed;             // text by text
  std::shared_ptr<const TemplateRows> templates;  // by row of the block
  std::shared_ptr<std::string> bytes;             // what `texts` point into
};

// `rows[i]`, a row of the block, says where text i stands; needed to find its time.
// Errors: kCorrupt, kUnsupported.
Result<DecodedTexts> decode_texts(base::Reader& in, std::span<const uint32_t> rows, uint32_t block_rows,
                                  const BlockContext& context);

}  // namespace clew::columnar
