// A Vector: values of one field or expression for up to a few thousand rows, laid out for tight loops.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"

namespace clew::model {

// Rows of a block in rising order; what filters narrow and readers honour.
using Selection = std::vector<uint32_t>;

enum class Layout : uint8_t {
  kFlat,    // one lane entry per row
  kConst,   // one lane entry for all rows
  kDict,    // `codes` per row into `dict`, a flat vector
  kValues,  // `values` per row: mixed types, arrays, structs
};

// Threads: built by one, then frozen and shared.
struct Vector {
  Type type = Type::kNull;  // kNull: every row is null
  Layout layout = Layout::kConst;
  uint32_t size = 0;  // rows

  // Empty: no row is null. Else one byte per lane entry (kConst: one), 1 = null. For kDict a null row has nulls[row] =
  // 1 and any code.
  std::vector<uint8_t> nulls;

  // Exactly one of these by `type` and `layout`; null rows hold anything.
  std::vector<int64_t> i64;               // kBool kInt kLong kULong kDecimal kTimestamp kDate kTime kInterval
  std::vector<double> f64;                // kDouble kFloat
  std::vector<std::string_view> strings;  // kString kIp; bytes live in `owners`
  std::vector<Value> values;              // kValues
  std::vector<uint32_t> codes;            // kDict
  std::shared_ptr<const Vector> dict;     // kDict: flat, without nulls
  uint8_t scale = 0;                      // kDecimal

  // Keeps alive what `strings` point into.
  std::vector<std::shared_ptr<const void>> owners;

  // Lane position of a row.
  uint32_t at(uint32_t row) const { return layout == Layout::kConst ? 0 : row; }
  bool is_null(uint32_t row) const {
    if (type == Type::kNull) return true;
    if (layout == Layout::kValues) return values[row].is_null();
    return !nulls.empty() && nulls[at(row)] != 0;
  }
  bool has_nulls() const { return type == Type::kNull || !nulls.empty() || layout == Layout::kValues; }
  // Any row as a value; for edges and tests, not for loops.
  Value value(uint32_t row) const;

  static Vector all_null(uint32_t size);
  static Vector constant(const Value& value, uint32_t size);
};
using VectorPtr = std::shared_ptr<const Vector>;

}  // namespace clew::model
