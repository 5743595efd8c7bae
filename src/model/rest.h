// The `_rest` column: one text per row that holds the fields beyond the columns of a batch or row group (DESIGN.md
// 4a.7).
//
// Each field is: name (varint length, bytes), kind (one byte), then by kind nothing, a signed varint (ints lane; of
// kDecimal the scale in one byte before it; of kFloat eight bytes), or a text (varint length, bytes). On disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "model/column.h"

namespace clew::model {

// One value with its name; views point into whatever it was read from.
struct RestField {
  std::string_view name;
  Kind kind = Kind::kNull;
  uint8_t scale = 0;      // of kDecimal
  int64_t lane = 0;       // of kinds with an ints lane
  std::string_view text;  // of kinds with a text lane
};

void append_rest(const RestField& field, std::string& out);
// Adds the field to a column as the value of `row`.
void add_value(Column& column, uint32_t row, const RestField& field);

// Reads the fields of one row, in the order of their appending.
class RestReader {
 public:
  explicit RestReader(std::string_view bytes) : in_(bytes) {}
  // False at the end, or when the bytes are damaged: then status() says so.
  bool next(RestField& field);
  Status status() const { return in_.status(); }

 private:
  base::Reader in_;
};

}  // namespace clew::model
