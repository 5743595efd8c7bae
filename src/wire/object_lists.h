// Arrays of objects as one array per leaf (model/column.h), built element by element.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace clew::wire {

// Threads: one. Reused through clear(), which keeps the memory.
class ObjectLists {
 public:
  struct List {
    std::string path;       // below the array, dotted
    std::string text;       // the JSON array
    uint32_t elements = 0;  // that `text` covers
    size_t last_begin = 0;  // where the last element's text begins
  };

  void clear();
  void begin_element() { ++elements_; }
  // Where the JSON text of the current element's leaf goes. A leaf that occurs twice in one element keeps the last
  // value. Requires: begin_element() was called.
  std::string& leaf(std::string_view path);
  // Ends the arrays.
  void finish();

  uint32_t elements() const { return elements_; }
  size_t leaves() const { return used_; }
  // Of those with a value; valid until clear().
  const List& list(size_t i) const { return lists_[i]; }
  // Lists times elements are far more than the values that came: then lists are not the right form, and what is held
  // may be wrong.
  bool is_sparse() const;

 private:
  uint32_t elements_ = 0;
  uint64_t values_ = 0;
  uint64_t padding_ = 0;  // commas of elements without the leaf
  size_t used_ = 0;
  std::vector<List> lists_;  // the first used_ are in use
  std::unordered_map<std::string, size_t> by_path_;
};

}  // namespace clew::wire
