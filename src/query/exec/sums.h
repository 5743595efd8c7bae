// NumberSum: a sum that keeps the kind of its numbers.
#pragma once

#include "base/result.h"
#include "model/value.h"

namespace clew::query::exec {

// Integers stay integers, decimals of one scale stay decimals, everything else becomes a double. What is no number is
// passed over.
class NumberSum {
 public:
  // Errors: kInvalid beyond 64 bits.
  Status add(const model::Value& value);
  // Null when no number came.
  model::Value value() const;

 private:
  enum class Kind : uint8_t { kNone, kInteger, kDecimal, kReal };
  Kind kind_ = Kind::kNone;
  int64_t whole_ = 0;
  uint8_t scale_ = 0;
  double real_ = 0;
};

bool is_number(model::Type type);
// As a double; 0 for what is no number.
double to_real(const model::Value& value);

}  // namespace clew::query::exec
