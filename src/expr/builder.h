// VectorBuilder: grows a vector value by value and finds the type on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "expr/cell.h"
#include "model/vector.h"

namespace clew::expr {

// A vector that an expression computes may hold this much; more is an error, not growth: concat(a, a) doubles each
// time.
constexpr size_t kVectorBytesMax = 128 << 20;

// Bytes of strings that a vector points into; addresses stay.
class TextArena {
 public:
  std::string_view add(std::string_view text);
  // Room for `bytes` that the caller fills.
  char* room(size_t bytes);
  size_t memory_bytes() const { return bytes_; }

 private:
  static constexpr size_t kChunkBytes = 16 << 10;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* at_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

// The first value that is not null sets the type. int widens to bigint, decimals to the larger scale; anything else
// makes the vector kMixed: what a row gives must not depend on its neighbours.
//
// Threads: one. Used once.
class VectorBuilder {
 public:
  void add_null();
  void add_bool(bool v) { add_lane(model::Type::kBool, v ? 1 : 0); }
  void add_lane(model::Type type, int64_t v);  // any type of the i64 lane but kDecimal
  void add_int(int64_t v) { add_lane(v == static_cast<int32_t>(v) ? model::Type::kInt : model::Type::kLong, v); }
  void add_long(int64_t v) { add_lane(model::Type::kLong, v); }
  void add_real(double v, model::Type type = model::Type::kDouble);
  void add_decimal(int64_t mantissa, uint8_t scale);
  void add_string(std::string_view v) { add_text(model::Type::kString, v); }
  void add_text(model::Type type, std::string_view v);
  void add_value(model::Value v);
  void add(const Cell& cell);

  uint32_t size() const { return rows_; }
  // Bytes of texts and of the elements of arrays.
  size_t bytes() const { return bytes_; }
  model::VectorPtr finish();

 private:
  bool prepare(model::Type type);
  void become_values();
  bool rescale_all(int64_t& mantissa, uint8_t scale);
  void mark(bool null);

  model::Vector out_;
  uint32_t rows_ = 0;
  size_t bytes_ = 0;
  bool mixed_ = false;
  std::shared_ptr<TextArena> arena_;
};

}  // namespace clew::expr
