#include "columnar/patterns.h"

#include <absl/container/flat_hash_map.h>

#include "columnar/template_block.h"
#include "expr/print.h"
#include "text/message_shape.h"

namespace clew::columnar {
namespace {

using model::Layout;
using model::Vector;
using model::VectorPtr;

constexpr uint32_t kNoPattern = UINT32_MAX;
constexpr char kStandIn = '0';  // a digit makes a variable of the word around it, as what stood there did

// Distinct patterns, in the order they came.
class PatternSet {
 public:
  uint32_t code(std::string pattern) {
    auto [it, fresh] = codes_.try_emplace(std::move(pattern), static_cast<uint32_t>(texts_->size()));
    if (fresh) texts_->push_back(it->first);
    return it->second;
  }
  VectorPtr vector() const {
    auto out = std::make_shared<Vector>();
    out->type = model::Type::kString;
    out->layout = Layout::kFlat;
    out->size = static_cast<uint32_t>(texts_->size());
    for (const std::string& text : *texts_) out->strings.emplace_back(text);
    out->owners.push_back(texts_);
    return out;
  }

 private:
  absl::flat_hash_map<std::string, uint32_t> codes_;
  std::shared_ptr<std::vector<std::string>> texts_ = std::make_shared<std::vector<std::string>>();
};

VectorPtr coded(const VectorPtr& patterns, std::vector<uint32_t> codes) {
  auto out = std::make_shared<Vector>();
  out->type = model::Type::kString;
  out->layout = Layout::kDict;
  out->size = static_cast<uint32_t>(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] != kNoPattern) continue;
    out->nulls.resize(codes.size(), 0);
    out->nulls[i] = 1;
    codes[i] = 0;
  }
  if (patterns->size == 0) return std::make_shared<Vector>(Vector::all_null(out->size));
  out->codes = std::move(codes);
  out->dict = patterns;
  return out;
}

std::string stand_in_text(const Template& shape) {
  std::string text;
  for (const Template::Slot& slot : shape.slots) text.append(slot.before).push_back(kStandIn);
  return text.append(shape.after);
}

// What a block says of its texts: a pattern by text, of `known` or, behind those, of texts that are kept whole.
struct BlockPatterns {
  std::vector<uint32_t> codes;     // by row of the block
  std::vector<std::string> whole;  // patterns behind the known ones
};

Status read_block(base::Reader& in, std::span<const uint32_t> rows, const Templates& templates,
                  const PatternEntries& known, BlockPatterns& out) {
  if (in.u8() != static_cast<uint8_t>(TextForm::kTemplates)) return Error(Code::kCorrupt, "texts of another form");
  TemplateBlock block = CLEW_TRY(TemplateBlock::read(in, rows.size(), templates));
  CLEW_TRY(in.finish());
  std::string bytes;
  std::vector<std::string_view> texts;
  CLEW_TRY(block.whole_texts(bytes, texts));
  for (std::string_view text : texts) out.whole.push_back(text::message_pattern(text));
  uint32_t next = known.patterns->size;
  for (size_t i = 0; i < rows.size(); ++i) {
    int64_t code = block.codes()[i];
    out.codes[rows[i]] = code == TemplateBlock::kWhole ? next++ : known.codes[static_cast<size_t>(code) - 1];
  }
  return {};
}

// The dictionary of just the patterns that rows use: known ones and those of whole texts.
VectorPtr compacted(const PatternEntries& known, BlockPatterns& block, std::vector<uint32_t> codes) {
  PatternSet used;
  std::vector<uint32_t> renamed(known.patterns->size + block.whole.size(), kNoPattern);
  for (uint32_t& code : codes) {
    if (code == kNoPattern) continue;
    uint32_t& name = renamed[code];
    if (name == kNoPattern) {
      name = used.code(code < known.patterns->size ? std::string(known.patterns->strings[code])
                                                   : std::move(block.whole[code - known.patterns->size]));
    }
    code = name;
  }
  return coded(used.vector(), std::move(codes));
}

}  // namespace

PatternEntriesPtr patterns_of_templates(const Templates& templates) {
  auto out = std::make_shared<PatternEntries>();
  PatternSet set;
  for (const Template& shape : templates.list) {
    out->codes.push_back(set.code(text::message_pattern(stand_in_text(shape))));
  }
  out->patterns = set.vector();
  return out;
}

PatternEntriesPtr patterns_of_texts(std::span<const std::string_view> texts) {
  auto out = std::make_shared<PatternEntries>();
  PatternSet set;
  for (std::string_view text : texts) out->codes.push_back(set.code(text::message_pattern(text)));
  out->patterns = set.vector();
  return out;
}

VectorPtr recoded(const Vector& texts, const PatternEntries& known) {
  std::vector<uint32_t> codes(texts.size, kNoPattern);
  for (uint32_t row = 0; row < texts.size; ++row) {
    if (!texts.is_null(row)) codes[row] = known.codes[texts.codes[row]];
  }
  return coded(known.patterns, std::move(codes));
}

VectorPtr patterns_of_values(const Vector& values) {
  PatternSet set;
  std::vector<uint32_t> codes(values.size, kNoPattern);
  bool flat = values.type == model::Type::kString && values.layout == Layout::kFlat;
  for (uint32_t row = 0; row < values.size; ++row) {
    if (values.is_null(row)) continue;
    codes[row] = set.code(text::message_pattern(flat ? values.strings[row] : expr::print_value(values.value(row))));
  }
  return coded(set.vector(), std::move(codes));
}

Result<VectorPtr> patterns_of_block(const RowGroup& group, const Chunk& chunk, const Templates& templates,
                                    const PatternEntriesPtr& known, uint32_t block, const model::Selection& rows,
                                    contract::ScanStats& stats) {
  uint32_t count = block_rows(group.rows(), block);
  BlockPatterns found;
  found.codes.assign(count, kNoPattern);
  Bytes bytes = CLEW_TRY(group.block_bytes(chunk, block, &stats));
  stats.blocks_decoded.fetch_add(1, std::memory_order_relaxed);
  CLEW_TRY(with_texts(bytes.view, count, chunk.kinds, [&](base::Reader& in, std::span<const uint32_t> where) {
    return read_block(in, where, templates, *known, found);
  }));
  std::vector<uint32_t> codes;
  codes.reserve(rows.size());
  for (uint32_t row : rows) codes.push_back(found.codes[row - block * kBlockRows]);
  if (found.whole.empty()) return coded(known->patterns, std::move(codes));
  return compacted(*known, found, std::move(codes));
}

}  // namespace clew::columnar
