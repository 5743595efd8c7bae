// The `_rest` column of a row group: what its sources had there and the fields that found no column of their own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "columnar/gather.h"

namespace clew::columnar {

struct RestColumn {
  ColumnView view;              // rows 0: there is none
  std::vector<RestName> names;  // rising
  std::vector<uint8_t> kinds;
  std::vector<std::string> rows;
  std::vector<std::string_view> texts;
};

// `beyond`: names of columns to be moved to `_rest`.
Result<RestColumn> gather_rest(Gatherer& gatherer, const std::vector<std::string>& beyond, uint32_t rows);

// The names in the `_rest` texts of a column, rising.
// Errors: kCorrupt for a text that is no rest.
Result<std::vector<RestName>> rest_names_of(const ColumnView& rest);

// Puts the names into the directory, as hashes and as a table.
void set_rest_names(const std::vector<RestName>& names, codec::Method method, Directory& directory);

}  // namespace clew::columnar
