// Arithmetic: + - * / % and what they mean for decimals, text and times.
#include <algorithm>
#include <cmath>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/kernels.h"
#include "expr/time_math.h"

namespace clew::expr {
namespace {

using model::Type;

__extension__ using Wide = __int128;

Type arithmetic_type(std::span<const BoundPtr> args) {
  Type a = args[0]->type;
  Type b = args.size() > 1 ? args[1]->type : a;
  if (a == Type::kMixed || b == Type::kMixed) return Type::kMixed;
  if (a == Type::kNull || b == Type::kNull) return a == Type::kNull ? b : a;
  if (is_temporal(a) || is_temporal(b)) return is_temporal(a) && is_temporal(b) ? Type::kInterval : Type::kTimestamp;
  if (a == Type::kString && b == Type::kString) return Type::kMixed;  // + joins, - counts
  if (is_integer(a) && is_integer(b)) return a == Type::kInt && b == Type::kInt ? Type::kInt : Type::kLong;
  if ((a == Type::kDecimal || is_integer(a)) && (b == Type::kDecimal || is_integer(b))) return Type::kDecimal;
  return Type::kDouble;
}

Type plus_type(std::span<const BoundPtr> args) {
  if (args[0]->type == Type::kString && args[1]->type == Type::kString) return Type::kString;
  return arithmetic_type(args);
}

Error overflow(const Bound& call) {
  return evaluation_error("integer overflow in " + std::string(call.function->name));
}

bool both_integers(std::span<const Cell> args) { return is_integer(args[0].type) && is_integer(args[1].type); }

Status put_integer(const Bound& call, std::span<const Cell> args, bool fits, int64_t v, VectorBuilder& out) {
  if (!fits) return overflow(call);
  bool small = args[0].type == Type::kInt && args[1].type == Type::kInt && v == static_cast<int32_t>(v);
  out.add_lane(small ? Type::kInt : Type::kLong, v);
  return {};
}

// Mantissas at one scale, when both are decimals or integers and at least one is a decimal.
struct Decimals {
  bool ok = false;
  Wide a = 0;
  Wide b = 0;
  uint8_t scale = 0;
};
Decimals as_decimals(std::span<const Cell> args) {
  bool exact = (args[0].type == Type::kDecimal || is_integer(args[0].type)) &&
               (args[1].type == Type::kDecimal || is_integer(args[1].type));
  Decimals d;
  if (!exact) return d;
  uint8_t x = args[0].type == Type::kDecimal ? args[0].scale : 0;
  uint8_t y = args[1].type == Type::kDecimal ? args[1].scale : 0;
  d.scale = std::max(x, y);
  d.a = static_cast<Wide>(args[0].i64) * kPowersOfTen[d.scale - x];
  d.b = static_cast<Wide>(args[1].i64) * kPowersOfTen[d.scale - y];
  d.ok = true;
  return d;
}

// Exact when 64 bits are enough for the mantissa.
void put_decimal(Wide mantissa, int scale, VectorBuilder& out) {
  while (scale > kDecimalScaleMax && mantissa % 10 == 0) {
    mantissa /= 10;
    --scale;
  }
  bool fits = scale <= kDecimalScaleMax && mantissa > INT64_MIN && mantissa <= INT64_MAX;
  if (fits) return out.add_decimal(static_cast<int64_t>(mantissa), static_cast<uint8_t>(scale));
  out.add_real(static_cast<double>(mantissa) / std::pow(10.0, scale));
}

struct Reals {
  bool ok = false;
  double a = 0;
  double b = 0;
};
Reals as_reals(std::span<const Cell> args) {
  std::optional<double> a = to_double(args[0]);
  std::optional<double> b = to_double(args[1]);
  if (!a || !b) return {};
  return {true, *a, *b};
}

// A temporal value and an interval; false when the arguments are something else.
bool shift(std::span<const Cell> args, int sign, int64_t now, VectorBuilder& out) {
  bool forward = is_temporal(args[0].type) && args[1].type == Type::kInterval;
  bool backward = sign > 0 && is_temporal(args[1].type) && args[0].type == Type::kInterval;
  if (!forward && !backward) return false;
  const Cell& when = forward ? args[0] : args[1];
  const Cell& by = forward ? args[1] : args[0];
  std::optional<int64_t> t = to_timestamp(when, now);
  if (t && by.i64 != INT64_MIN) t = plus(*t, {sign * by.i64, by.scale == 1});
  if (t) {
    out.add_lane(Type::kTimestamp, *t);
  } else {
    out.add_null();
  }
  return true;
}

Status add(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (both_integers(args)) {
    int64_t v = 0;
    bool fits = !__builtin_add_overflow(args[0].i64, args[1].i64, &v);
    return put_integer(call, args, fits, v, out);
  }
  if (args[0].type == Type::kString && args[1].type == Type::kString) {
    std::string joined(args[0].text);
    joined += args[1].text;
    out.add_string(joined);
    return {};
  }
  if (shift(args, 1, call.now, out)) return {};
  if (Decimals d = as_decimals(args); d.ok) {
    put_decimal(d.a + d.b, d.scale, out);
  } else if (Reals r = as_reals(args); r.ok) {
    out.add_real(r.a + r.b);
  } else {
    out.add_null();
  }
  return {};
}

Status subtract(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (both_integers(args)) {
    int64_t v = 0;
    bool fits = !__builtin_sub_overflow(args[0].i64, args[1].i64, &v);
    return put_integer(call, args, fits, v, out);
  }
  if (shift(args, -1, call.now, out)) return {};
  if (Decimals d = as_decimals(args); d.ok) {
    put_decimal(d.a - d.b, d.scale, out);
  } else if (Reals r = as_reals(args); r.ok) {
    out.add_real(r.a - r.b);
  } else {
    out.add_null();
  }
  return {};
}

Status multiply(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (both_integers(args)) {
    int64_t v = 0;
    bool fits = !__builtin_mul_overflow(args[0].i64, args[1].i64, &v);
    return put_integer(call, args, fits, v, out);
  }
  if (Decimals d = as_decimals(args); d.ok) {
    int scale =
        (args[0].type == Type::kDecimal ? args[0].scale : 0) + (args[1].type == Type::kDecimal ? args[1].scale : 0);
    put_decimal(static_cast<Wide>(args[0].i64) * args[1].i64, scale, out);
  } else if (Reals r = as_reals(args); r.ok) {
    out.add_real(r.a * r.b);
  } else {
    out.add_null();
  }
  return {};
}

Type divide_type(std::span<const BoundPtr> args) {
  Type type = arithmetic_type(args);
  return type == Type::kDecimal ? Type::kDouble : type;
}

// Integers are cut towards zero; by zero is null.
Status divide(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (both_integers(args)) {
    if (args[1].i64 == 0) {
      out.add_null();
      return {};
    }
    bool fits = !(args[0].i64 == INT64_MIN && args[1].i64 == -1);
    return put_integer(call, args, fits, fits ? args[0].i64 / args[1].i64 : 0, out);
  }
  Reals r = as_reals(args);
  if (!r.ok || r.b == 0) {
    out.add_null();
  } else {
    out.add_real(r.a / r.b);
  }
  return {};
}

Status modulo(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (both_integers(args)) {
    if (args[1].i64 == 0) {
      out.add_null();
      return {};
    }
    return put_integer(call, args, true, args[1].i64 == -1 ? 0 : args[0].i64 % args[1].i64, out);
  }
  if (Decimals d = as_decimals(args); d.ok && d.b != 0) {
    put_decimal(d.a % d.b, d.scale, out);
    return {};
  }
  Reals r = as_reals(args);
  if (!r.ok || r.b == 0) {
    out.add_null();
  } else {
    out.add_real(std::fmod(r.a, r.b));
  }
  return {};
}

Status negate(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  const Cell& x = args[0];
  if (is_integer(x.type)) {
    if (x.i64 == INT64_MIN) return overflow(call);
    out.add_lane(x.type, -x.i64);
  } else if (x.type == Type::kDecimal) {
    out.add_decimal(-x.i64, x.scale);
  } else if (std::optional<double> v = to_double(x)) {
    out.add_real(-*v, x.type == Type::kFloat ? Type::kFloat : Type::kDouble);
  } else {
    out.add_null();
  }
  return {};
}

constexpr FunctionDef kTable[] = {
    {"+", 2, 2, plus_type, add, 0, add_vectors},
    {"add", 2, 2, plus_type, add, 0, add_vectors},
    {"-", 2, 2, arithmetic_type, subtract, 0, subtract_vectors},
    {"subtract", 2, 2, arithmetic_type, subtract, 0, subtract_vectors},
    {"*", 2, 2, arithmetic_type, multiply, 0, multiply_vectors},
    {"multiply", 2, 2, arithmetic_type, multiply, 0, multiply_vectors},
    {"/", 2, 2, divide_type, divide, 0, divide_vectors},
    {"divide", 2, 2, divide_type, divide, 0, divide_vectors},
    {"%", 2, 2, arithmetic_type, modulo},
    {"mod", 2, 2, arithmetic_type, modulo},
    {"modulus", 2, 2, arithmetic_type, modulo},
    {"neg", 1, 1, type_of_first, negate},
};

}  // namespace

std::span<const FunctionDef> arithmetic_functions() { return kTable; }

}  // namespace clew::expr
