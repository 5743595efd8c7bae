#include "columnar/text_block.h"

#include "base/check.h"
#include "columnar/template_block.h"
#include "columnar/typed_text.h"
#include "columnar/words_block.h"

namespace clew::columnar {
namespace {

void encode_codes(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  scratch.numbers.resize(in.rows.size());
  for (size_t i = 0; i < in.rows.size(); ++i) scratch.numbers[i] = plan.codes[in.rows[i]];
  scratch.ints.encode(scratch.numbers, codec::Effort::kFast, out);
}

Status decode_codes(base::Reader& in, size_t count, const BlockContext& context, DecodedTexts& out) {
  if (!context.dictionary) return Error(Code::kCorrupt, "codes without a dictionary");
  out.codes.resize(count);
  auto entries = static_cast<uint32_t>(context.dictionary->entries.size());
  CLEW_TRY(codec::decode_codes(in, count, entries, out.codes.data()));
  out.coded = true;
  return {};
}

// By text: whether its row is asked for; empty when all are.
std::vector<bool> wanted_texts(std::span<const uint32_t> rows, const BlockContext& context) {
  std::vector<bool> wanted;
  if (context.wanted.empty()) return wanted;
  wanted.reserve(rows.size());
  for (uint32_t row : rows) wanted.push_back(context.wanted[row]);
  return wanted;
}

}  // namespace

bool encode_texts(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  base::Writer w(out);
  w.u8(static_cast<uint8_t>(plan.text_form));
  switch (plan.text_form) {
    case TextForm::kCodes: encode_codes(in, plan, scratch, out); return false;
    case TextForm::kTemplates: encode_templates(in, *plan.templates, plan.effort, scratch, out); return false;
    case TextForm::kPlain:
      if (plan.effort != codec::Effort::kFull) break;
      out.back() = static_cast<char>(TextForm::kWords);
      if (encode_words(in.texts, scratch.ints, out)) return false;
      out.back() = static_cast<char>(TextForm::kPlain);
      break;
    default: {
      bool needs_times = false;
      if (encode_typed(plan.text_form, in, plan, scratch, out, needs_times)) return needs_times;
      out.back() = static_cast<char>(TextForm::kPlain);
      scratch.mixed = true;
    }
  }
  encode_plain(in.texts, plan.effort, scratch, out);
  return false;
}

Result<DecodedTexts> decode_texts(base::Reader& in, std::span<const uint32_t> rows, uint32_t block_rows,
                                  const BlockContext& context) {
  DecodedTexts out;
  auto form = static_cast<TextForm>(in.u8());
  CLEW_TRY(in.status());
  switch (form) {
    case TextForm::kPlain:
      out.bytes = std::make_shared<std::string>();
      CLEW_TRY(decode_plain(in, rows.size(), *out.bytes, out.texts));
      break;
    case TextForm::kWords: {
      WordsBlock block = CLEW_TRY(WordsBlock::read(in, rows.size()));
      out.bytes = std::make_shared<std::string>();
      CLEW_TRY(block.all_texts(wanted_texts(rows, context), *out.bytes, out.texts));
      break;
    }
    case TextForm::kCodes: CLEW_TRY(decode_codes(in, rows.size(), context, out)); break;
    case TextForm::kTemplates: {
      if (!context.templates) return Error(Code::kCorrupt, "templates without a dictionary");
      TemplateBlock block = CLEW_TRY(TemplateBlock::read(in, rows.size(), *context.templates));
      if (context.texts_as == TextsAs::kStored) {
        out.templates = CLEW_TRY(block.all_rows(rows, block_rows));
        break;
      }
      out.bytes = std::make_shared<std::string>();
      CLEW_TRY(block.all_texts(wanted_texts(rows, context), *out.bytes, out.texts));
      break;
    }
    default: CLEW_TRY(decode_typed(form, in, rows, context, out));
  }
  return out;
}

}  // namespace clew::columnar
