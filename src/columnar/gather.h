// Gatherer brings the values of one column together from many row sources, in any order of rows, without an object per
// value. It is how merging reads.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "columnar/dictionary.h"
#include "columnar/fields.h"
#include "columnar/row_group.h"
#include "columnar/segment.h"

namespace clew::columnar {

// Threads:  one at a time; keeps its memory.
// Lifetime: sources and rows outlive it.
class Gatherer {
 public:
  Gatherer(std::span<const std::shared_ptr<const RowGroup>> sources, std::span<const RowRef> rows);

  // The column of that name, one entry per row. Valid until the next call. With kStored, texts that are templates in
  // most of the sources come as ColumnView::templates, and those of one typed form in all of them as `typed`.
  // Errors: kCorrupt, kIo when a source's block cannot be read.
  Result<ColumnView> gather(std::string_view name, TextsAs texts_as = TextsAs::kTexts);

 private:
  // The decoded column of one source; only blocks that rows are taken from.
  struct Source {
    const Chunk* chunk = nullptr;
    ChunkEntries entries;
    std::vector<BlockValues> blocks;
    std::vector<uint32_t> codes;  // of the merged dictionary, by own code; UINT32_MAX: not met yet
  };
  struct Traits {
    uint16_t kinds = 0;
    bool absent = false;
    bool all_coded = true;
  };
  Result<Traits> load(std::string_view name, TextForm form);
  Status load_blocks(size_t s, std::string_view name, TextsAs texts_as, Traits& traits);
  TextForm stored_form(std::string_view name) const;
  bool all_typed() const;
  void fill(const Traits& traits);
  void fill_scales(ColumnView& view);
  bool fill_codes();
  void fill_texts();
  void fill_templates(ColumnView& view);
  void fill_typed(TextForm form, ColumnView& view);
  void join_bounds();

  std::span<const std::shared_ptr<const RowGroup>> sources_;
  std::span<const RowRef> rows_;
  std::vector<std::vector<bool>> wanted_;  // by source and block
  std::vector<uint32_t> rows_of_;          // by source
  std::vector<Source> loaded_;
  DictionaryBuilder dictionary_;
  std::vector<uint8_t> kinds_;
  std::vector<int64_t> ints_;
  std::vector<uint8_t> scales_;
  std::vector<std::string_view> texts_;
  std::vector<uint32_t> codes_;
  std::vector<const Variable*> variables_;
  ChunkStats bounds_;
  TemplateLane templates_;
  TypedValues values_;
  TypedLane typed_;
};

}  // namespace clew::columnar
