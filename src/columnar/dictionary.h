// Dictionaries of a column's distinct texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column_view.h"

namespace clew::columnar {

// Gives each distinct text a code, in order of first appearance.
//
// Threads:  one at a time; keeps its memory.
// Lifetime: the texts outlive the builder's use of them.
class DictionaryBuilder {
 public:
  // Forgets all texts. Requires: entries_max <= kDictionaryEntriesMax.
  void reset(uint32_t entries_max);
  // The code of the text, or kFullCode when it is new and there are entries_max already.
  static constexpr uint32_t kFullCode = UINT32_MAX;
  uint32_t code(std::string_view text);
  // The code of a text that is there, else kFullCode.
  uint32_t find(std::string_view text) const;
  const std::vector<std::string_view>& entries() const { return entries_; }
  size_t text_bytes() const { return text_bytes_; }

 private:
  struct Key {
    uint64_t low = 0;
    uint64_t high = 0;
    uint32_t bytes = 0;
    uint64_t hash = 0;
  };
  struct Slot {
    uint64_t low = 0;
    uint64_t high = 0;
    uint32_t bytes = 0;
    uint32_t code = 0;  // plus 1; 0: free
  };
  static Key key_of(std::string_view text);
  bool same(const Slot& slot, const Key& key, std::string_view text) const;
  void grow();

  std::vector<Slot> slots_;
  std::vector<std::string_view> entries_;
  uint32_t entries_max_ = 0;
  size_t text_bytes_ = 0;
};

// Lengths and texts of the entries, compressed.
void write_dictionary(const std::vector<std::string_view>& entries, bool full_effort, std::string& out);
// Errors: kCorrupt.
Result<DictionaryPtr> read_dictionary(std::string_view bytes, uint32_t entries);

}  // namespace clew::columnar
