// IdFilters: which ids (texts of hex digits, UUIDs) a fresh part may hold, so that a search for one id reads few parts.
// In memory only; a part that was found at start has none. Rows in segments have the token index.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/column_view.h"

namespace clew::columnar {

constexpr size_t kIdColumnsMax = 8;  // of one part

// Threads: add by one; frozen afterwards.
// Cost:    12 bits per id; about one id in 250 is wrongly said to be there.
class IdFilters {
 public:
  // The texts of a column, all of one typed form.
  void add(const ColumnView& column);
  bool empty() const { return columns_.empty(); }
  // True too when the column has no filter. Ids compare without case.
  bool may_have(std::string_view column, std::string_view id) const;
  // The same for a phrase, whose words must stand in the text in order. What is an id itself can only be the whole of
  // an id of its form; words that might be a piece of a UUID are not known.
  bool may_have_phrase(std::string_view column, std::string_view phrase) const;

 private:
  // A split block: eight words, one bit of each.
  struct Block {
    uint32_t words[8] = {};
  };
  struct Column {
    std::string name;
    bool uuids = false;  // else hex digits
    std::vector<Block> blocks;
  };
  const Column* find(std::string_view name) const;

  std::vector<Column> columns_;
};
using IdFiltersPtr = std::shared_ptr<const IdFilters>;

}  // namespace clew::columnar
