// Lanes: a column of one kind of source brought into per-row form, with the memory that a ColumnView points into.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "columnar/column_view.h"
#include "model/batch.h"

namespace clew::columnar {

// Threads: one at a time; keeps its memory.
class Lanes {
 public:
  // Lifetime: the view lives until the next call, and as long as `column`.
  ColumnView view_of(const model::Column& column, uint32_t rows);

 private:
  void spread(const model::Column& column, uint32_t rows);

  std::vector<uint8_t> kinds_;
  std::vector<int64_t> ints_;
  std::vector<uint8_t> scales_;
  std::vector<std::string_view> texts_;
};

}  // namespace clew::columnar
