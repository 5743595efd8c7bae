#include "columnar/text_block.h"

#include "base/check.h"
#include "codec/compress.h"

namespace clew::columnar {
namespace {

codec::Method method_of(codec::Effort effort) {
  return effort == codec::Effort::kFull ? codec::Method::kZstd : codec::Method::kLz4;
}

void encode_plain(std::span<const std::string_view> texts, codec::Effort effort, BlockScratch& scratch,
                  std::string& out) {
  scratch.lengths.resize(texts.size());
  scratch.bytes.clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    scratch.lengths[i] = static_cast<int64_t>(texts[i].size());
    scratch.bytes.append(texts[i]);
  }
  scratch.ints.encode(scratch.lengths, effort, out);
  codec::write_packed(scratch.bytes, method_of(effort), out);
}

Status decode_plain(base::Reader& in, size_t count, DecodedTexts& out) {
  std::vector<int64_t> lengths(count);
  CLEW_TRY(codec::decode_ints(in, count, lengths.data()));
  out.bytes = std::make_shared<std::string>();
  CLEW_TRY(codec::read_packed(in, *out.bytes));
  out.texts.reserve(count);
  std::string_view left = *out.bytes;
  for (int64_t length : lengths) {
    if (length < 0 || static_cast<uint64_t>(length) > left.size()) return Error(Code::kCorrupt, "texts too long");
    out.texts.push_back(left.substr(0, static_cast<size_t>(length)));
    left.remove_prefix(static_cast<size_t>(length));
  }
  if (!left.empty()) return Error(Code::kCorrupt, "texts too short");
  return {};
}

void encode_codes(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  scratch.numbers.resize(in.rows.size());
  for (size_t i = 0; i < in.rows.size(); ++i) scratch.numbers[i] = plan.codes[in.rows[i]];
  scratch.ints.encode(scratch.numbers, codec::Effort::kFast, out);
}

Status decode_codes(base::Reader& in, size_t count, const BlockContext& context, DecodedTexts& out) {
  if (!context.dictionary) return Error(Code::kCorrupt, "codes without a dictionary");
  std::vector<int64_t> codes(count);
  CLEW_TRY(codec::decode_ints(in, count, codes.data()));
  uint64_t entries = context.dictionary->entries.size();
  out.codes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (static_cast<uint64_t>(codes[i]) >= entries) return Error(Code::kCorrupt, "a code outside of its dictionary");
    out.codes[i] = static_cast<uint32_t>(codes[i]);
  }
  out.coded = true;
  return {};
}

}  // namespace

bool encode_texts(const BlockTexts& in, const BlockPlan& plan, BlockScratch& scratch, std::string& out) {
  base::Writer(out).u8(static_cast<uint8_t>(plan.text_form));
  if (plan.text_form == TextForm::kCodes) {
    encode_codes(in, plan, scratch, out);
  } else {
    encode_plain(in.texts, plan.effort, scratch, out);
  }
  return false;
}

Result<DecodedTexts> decode_texts(base::Reader& in, std::span<const uint32_t> rows, const BlockContext& context) {
  DecodedTexts out;
  auto form = static_cast<TextForm>(in.u8());
  CLEW_TRY(in.status());
  switch (form) {
    case TextForm::kPlain: CLEW_TRY(decode_plain(in, rows.size(), out)); break;
    case TextForm::kCodes: CLEW_TRY(decode_codes(in, rows.size(), context, out)); break;
    default: return Error(Code::kUnsupported, "unknown form of texts");
  }
  return out;
}

}  // namespace clew::columnar
