#include "query/exec/sums.h"

#include "expr/coerce.h"

namespace clew::query::exec {

using model::Type;
using model::Value;

bool is_number(Type type) {
  return type == Type::kInt || type == Type::kLong || type == Type::kULong || type == Type::kDouble ||
         type == Type::kFloat || type == Type::kDecimal;
}

double to_real(const Value& value) { return expr::to_double(expr::cell_of(value)).value_or(0); }

Status NumberSum::add(const Value& value) {
  if (!is_number(value.type())) return {};
  bool integer =
      value.type() == Type::kInt || value.type() == Type::kLong || (value.type() == Type::kULong && value.i64() >= 0);
  bool decimal = value.type() == Type::kDecimal;
  Kind kind = integer ? Kind::kInteger : decimal ? Kind::kDecimal : Kind::kReal;
  if (kind_ == Kind::kNone) {
    kind_ = kind;
    scale_ = value.scale();
  }
  bool same = kind == kind_ && kind != Kind::kReal && (!decimal || value.scale() == scale_);
  if (same) {
    if (__builtin_add_overflow(whole_, value.i64(), &whole_)) {
      return Error(Code::kInvalid, "the sum is beyond 64 bits; cast the field to double");
    }
    return {};
  }
  if (kind_ != Kind::kReal) {
    real_ = kind_ == Kind::kDecimal ? expr::decimal_to_double(whole_, scale_) : static_cast<double>(whole_);
    kind_ = Kind::kReal;
  }
  real_ += to_real(value);
  return {};
}

Value NumberSum::value() const {
  switch (kind_) {
    case Kind::kNone: return {};
    case Kind::kInteger: return Value::bigint(whole_);
    case Kind::kDecimal: return Value::decimal(whole_, scale_);
    case Kind::kReal: return Value::real(real_);
  }
  return {};
}

}  // namespace clew::query::exec
