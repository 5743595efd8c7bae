// The texts of a block as templates and variables.
#pragma once

#include "columnar/templates.h"
#include "columnar/text_block.h"

namespace clew::columnar {

void encode_templates(const BlockTexts& in, const TemplateSet& set, codec::Effort effort, BlockScratch& scratch,
                      std::string& out);

// A block read as far as the templates of its texts; variables are read when asked for.
//
// Lifetime: the bytes it was read from and the templates outlive it.
class TemplateBlock {
 public:
  // Errors: kCorrupt.
  static Result<TemplateBlock> read(base::Reader& in, size_t count, const Templates& templates);

  static constexpr uint32_t kWhole = 0;
  // Template of each text, plus 1; kWhole where it is kept whole.
  const std::vector<int64_t>& codes() const { return codes_; }
  size_t uses(uint32_t code) const { return uses_[code]; }

  // The numbers of a kNumber or kFixed slot, one per use of the template in order.
  Result<std::vector<int64_t>> numbers(uint32_t code, size_t slot) const;
  // The texts of a kWord slot; `bytes` keeps them.
  Status words(uint32_t code, size_t slot, std::string& bytes, std::vector<std::string_view>& texts) const;
  Status whole_texts(std::string& bytes, std::vector<std::string_view>& texts) const;

  // All texts as templates and variables, text i as row `rows[i]` of `block_rows`.
  Result<std::shared_ptr<const TemplateRows>> all_rows(std::span<const uint32_t> rows, uint32_t block_rows) const;

  // All texts, but those that `wanted`, where not empty, leaves out come empty; `bytes` keeps them.
  Status all_texts(const std::vector<bool>& wanted, std::string& bytes, std::vector<std::string_view>& texts) const;

 private:
  const Templates* templates_ = nullptr;
  std::vector<int64_t> codes_;
  std::vector<uint32_t> uses_;                        // by code plus 1
  std::vector<std::vector<std::string_view>> slots_;  // by code plus 1, by slot
  std::string_view whole_;
};

}  // namespace clew::columnar
