// What each column of a row source takes on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/row_source.h"

namespace clew::columnar {

struct ColumnUse {
  std::string name;           // as stored: `_rest` holds the rare fields
  uint64_t values = 0;        // rows that have the field
  uint64_t shared_bytes = 0;  // its dictionaries, both copies
  std::vector<uint64_t> block_bytes;
  uint64_t bytes() const;
};

// Cost: no reading.
std::vector<ColumnUse> column_use(const RowSource& source);
// Which rows of a block have the column. Errors: kCorrupt; kIo; kNotFound when the source stores no such column.
Result<std::vector<bool>> rows_with(const RowSource& source, std::string_view column, uint32_t block);

}  // namespace clew::columnar
