// WordSet: the distinct words of one row group, as the token index keeps them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/block.h"
#include "columnar/column_view.h"
#include "columnar/segment.h"

namespace clew::columnar {

constexpr int kIndexHashBits = 40;  // of a word's hash, the upper ones

// Whether the index knows of such words. Numbers, parts of times and parts of UUIDs are left out: they are words of
// nearly every row group or of values that the index would be larger than. A search for one goes to the columns.
bool indexable(std::string_view folded_word);

// The upper kIndexHashBits of the word's hash.
uint64_t index_hash(std::string_view folded_word);
// Stands for a name in `_rest` as words do for texts.
uint64_t index_hash_of_name(std::string_view field_name);

// Columns whose words are indexed: those of the events, `_raw` and `_rest`.
bool has_indexed_words(std::string_view column);

// Threads: one at a time; keeps its memory.
class WordSet {
 public:
  void add_text(std::string_view text);
  void add_texts_of(const std::vector<std::string_view>& texts) {
    for (std::string_view text : texts) add_text(text);
  }
  void add_name(std::string_view field_name) { add_hash(index_hash_of_name(field_name)); }
  // An array's strings, with JSON's escapes taken away.
  void add_array(std::string_view json);
  // All words of a `_rest` text and its fields' names.
  void add_rest(std::string_view rest);
  // Words of the values of a kind beside its texts ("true").
  void add_kind(model::Kind kind);

  // The column's texts one by one; `form` is Chunk::text_form.
  void add_column(const ColumnView& column, TextForm form);
  void add_templates(const ColumnView& column, const TemplateSet& set);
  // The same for texts that are ColumnView::typed.
  void add_typed(const ColumnView& column);

  // The words so far, rising, without repetition, as differences; forgets them.
  GroupWords take();

 private:
  void add_hash(uint64_t hash) {
    uint64_t& recent = recent_[hash & (recent_.size() - 1)];
    if (recent == hash) return;
    recent = hash;
    hashes_.push_back(hash);
  }
  void add_kind_text(model::Kind kind, std::string_view text);
  void add_times(const ColumnView& column);
  void add_hex(const ColumnView& column);
  void sort();

  std::vector<uint64_t> hashes_;
  std::vector<uint64_t> sorted_;
  std::array<uint64_t, 8192> recent_{};  // spares most repetitions
};

}  // namespace clew::columnar
