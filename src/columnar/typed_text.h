// Texts that are hex digits, UUIDs, IPv4 addresses or times, as what they are. A few texts of a block may be something
// else: they are listed as exceptions.
#pragma once

#include "columnar/text_block.h"

namespace clew::columnar {

constexpr bool is_typed(TextForm form) {
  return form == TextForm::kHex || form == TextForm::kUuid || form == TextForm::kIp4 || form == TextForm::kTime;
}

// What a text looks like; kPlain when like nothing special.
TextForm form_of_text(std::string_view text);

// Writes the i-th text, at most typed_chars_max() characters, and gives their number.
size_t print_typed(TextForm form, TypedValues& values, size_t i, char* out);
size_t typed_chars_max(TextForm form, const TypedValues& values);

// Appends the texts in that form, without the form's byte. False, with `out` as it was, when too many are something
// else. `needs_times` is set when decoding needs `_time`.
bool encode_typed(TextForm form, const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out,
                  bool& needs_times);

// Errors: kCorrupt, kUnsupported.
Status decode_typed(TextForm form, base::Reader& in, std::span<const uint32_t> rows, const BlockContext& context,
                    DecodedTexts& out);

// Texts one after the other: a run of lengths and the compressed bytes.
void encode_plain(std::span<const std::string_view> texts, codec::Effort effort, BlockScratch& scratch,
                  std::string& out);
Status decode_plain(base::Reader& in, size_t count, std::string& bytes, std::vector<std::string_view>& texts);

}  // namespace clew::columnar
