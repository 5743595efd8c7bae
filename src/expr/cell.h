// Cell: one value of a vector, seen in place. What scalar functions take; nothing is copied.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/value.h"
#include "model/vector.h"

namespace clew::expr {

// Lifetime: text and value point into the vector or Value that the cell was made of.
struct Cell {
  model::Type type = model::Type::kNull;
  uint8_t scale = 0;  // kDecimal: digits after the point; kInterval: 1 = months
  int64_t i64 = 0;
  double f64 = 0;
  std::string_view text;
  const model::Value* value = nullptr;  // kArray, kStruct

  bool is_null() const { return type == model::Type::kNull; }
};

Cell cell_of(const model::Value& value);
Cell cell_of(const model::Vector& vector, uint32_t row);
model::Value value_of(const Cell& cell);

constexpr bool is_integer(model::Type t) { return t == model::Type::kInt || t == model::Type::kLong; }
constexpr bool is_number(model::Type t) { return t >= model::Type::kInt && t <= model::Type::kDecimal; }
constexpr bool is_real(model::Type t) { return t == model::Type::kDouble || t == model::Type::kFloat; }
constexpr bool is_text(model::Type t) { return t == model::Type::kString || t == model::Type::kIp; }
constexpr bool is_temporal(model::Type t) {
  return t == model::Type::kTimestamp || t == model::Type::kDate || t == model::Type::kTime;
}
constexpr bool is_nested(model::Type t) { return t == model::Type::kArray || t == model::Type::kStruct; }

}  // namespace clew::expr
