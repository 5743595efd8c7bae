// ChunkEncoder turns one column of a part or row group into blocks, a dictionary and its entry in the directory.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "columnar/block.h"
#include "columnar/dictionary.h"
#include "columnar/directory.h"
#include "columnar/word_set.h"

namespace clew::columnar {

enum class Cuts : uint8_t { kNothing, kTemplates };

// Threads: one at a time; keeps its memory.
class ChunkEncoder {
 public:
  explicit ChunkEncoder(codec::Effort effort, Cuts cuts = Cuts::kTemplates) : effort_(effort), cuts_(cuts) {}

  // Words of the columns encoded from now on go there; null: nowhere.
  void set_words(WordSet* words) { words_ = words; }

  // Appends the column's bytes to `data`, whose end lies `offset` bytes from the begin of the row group. `times` are
  // `_time` per row, null for `_time` itself.
  Chunk encode(const ColumnView& column, const int64_t* times, uint64_t offset, std::string& data);

  // Appends the second copies of the dictionaries of `chunks`, all of them encoded since the last call.
  void finish_dictionaries(std::vector<Chunk>& chunks, uint64_t offset, std::string& data);

 private:
  void plan_texts(ColumnView& column, BlockPlan& plan);
  bool keep_codes(ColumnView& column);
  bool build_dictionary(const ColumnView& column);
  bool keep_templates(ColumnView& column);
  bool keep_typed(ColumnView& column);
  void print_texts(ColumnView& column, const TemplateSet* but);
  void print_typed_texts(ColumnView& column);
  bool repeats(const ColumnView& column, const Templates& templates);
  void place_dictionary(DictionaryForm form, uint32_t entries, std::string bytes, uint64_t offset, Chunk& chunk,
                        std::string& data);

  void collect_words(const ColumnView& column, const Chunk& chunk, const BlockPlan& plan,
                     const std::vector<std::string_view>* entries);

  codec::Effort effort_;
  const Cuts cuts_;
  WordSet* words_ = nullptr;
  BlockScratch scratch_;
  DictionaryBuilder dictionary_;
  std::vector<uint32_t> codes_;
  std::vector<std::string_view> texts_;  // of a column that came as codes or templates
  std::deque<std::string> printed_;      // what `texts_` point into
  TemplateSet templates_;
  std::vector<std::pair<std::string, std::string>> second_copies_;  // column name, dictionary
};

}  // namespace clew::columnar
