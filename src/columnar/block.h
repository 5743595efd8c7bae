// Blocks: the bytes of up to 4,096 rows of one column. Format: docs/formats/batch.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/ints.h"
#include "columnar/column_view.h"
#include "columnar/directory.h"
#include "columnar/templates.h"

namespace clew::columnar {

// Scratch memory of encoders; keep one per thread.
struct BlockScratch {
  codec::IntEncoder ints;
  std::vector<int64_t> numbers;
  std::vector<int64_t> lengths;
  std::vector<std::string_view> texts;
  std::vector<uint32_t> text_rows;
  std::string bytes;
  bool mixed = false;  // some text was not of the planned form; set here, cleared by who reads it
};

// First byte of a block; on disk.
enum BlockFlags : uint8_t {
  kPresenceMask = 3,  // 0 every row has the field, 1 bitmap, 2 list of rows
  kNeedsTimes = 4,    // some values are written as what `_time` lacks to give them
};

// What the encoder of a chunk decided for all its blocks.
struct BlockPlan {
  codec::Effort effort = codec::Effort::kFast;
  bool one_kind = true;                    // the whole chunk has one kind; else blocks list theirs
  TextForm text_form = TextForm::kPlain;   // a typed form may fall back to kPlain in a block
  const uint32_t* codes = nullptr;         // kCodes: per row of the chunk
  const TemplateSet* templates = nullptr;  // kTemplates
  const int64_t* times = nullptr;          // `_time` per row of the chunk; null while that is encoded itself
};

// Appends rows [begin, begin + rows) of the column; nothing when none of them has the field.
// Requires: rows <= kBlockRows.
void encode_block(const ColumnView& column, uint32_t begin, uint32_t rows, const BlockPlan& plan, BlockScratch& scratch,
                  std::string& out);

// Calls read(in, rows) where the texts of a block of strings only stand: `rows[i]`, a row of the block, has text i.
// Not called when no row has one.
// Errors: kCorrupt, kUnsupported, and those of `read`.
Status with_texts(std::string_view bytes, uint32_t rows, uint16_t kinds,
                  const std::function<Status(base::Reader& in, std::span<const uint32_t> rows)>& read);

// kStored: texts are not printed where they can be given as they are kept, as BlockValues::templates or typed.
enum class TextsAs : uint8_t { kTexts, kStored };

struct BlockContext {
  uint16_t kinds = 0;              // of the chunk
  DictionaryPtr dictionary;        // of the chunk, when of texts
  TemplatesPtr templates;          // of the chunk, when of templates
  const int64_t* times = nullptr;  // `_time` of the block's rows; null when unknown
  TextsAs texts_as = TextsAs::kTexts;
  // By row of the block: whether its text is asked for; the others may come empty. Empty: all are.
  std::vector<bool> wanted;

  bool is_wanted(uint32_t row) const { return wanted.empty() || wanted[row]; }
};

// Whether decoding needs BlockContext::times.
bool block_needs_times(std::string_view bytes);

// Errors: kCorrupt, kUnsupported.
Result<BlockValues> decode_block(std::string_view bytes, uint32_t rows, const BlockContext& context);

}  // namespace clew::columnar
