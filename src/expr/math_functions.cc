// Mathematical functions.
#include <zlib.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "expr/coerce.h"
#include "expr/functions.h"

namespace clew::expr {
namespace {

using model::Type;

constexpr double kPi = 3.14159265358979323846;
constexpr double kE = 2.71828182845904523536;

// A function of one double; NaN (outside its domain) is null.
template <double (*kFunction)(double)>
Status of_real(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> x = to_double(args[0]);
  double y = x ? kFunction(*x) : std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(y)) {
    out.add_null();
  } else {
    out.add_real(y);
  }
  return {};
}

double cotangent(double x) { return x == 0 ? std::nan("") : 1 / std::tan(x); }
double degrees(double x) { return x * 180 / kPi; }
double radians(double x) { return x / 180 * kPi; }
// The C library is off by the last bit even for whole roots; one step of Newton's method mends it.
double cube_root(double x) {
  double root = std::cbrt(x);
  if (root == 0 || !std::isfinite(root)) return root;
  return root - (root * root * root - x) / (3 * root * root);
}
double natural_log(double x) { return x <= 0 ? std::nan("") : std::log(x); }
double log_of_ten(double x) { return x <= 0 ? std::nan("") : std::log10(x); }
double log_of_two(double x) { return x <= 0 ? std::nan("") : std::log2(x); }
double round_even(double x) { return std::nearbyint(x); }
double signum_of(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

void put_real(std::optional<double> v, VectorBuilder& out) {
  if (!v || std::isnan(*v)) {
    out.add_null();
  } else {
    out.add_real(*v);
  }
}

Status absolute(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  const Cell& x = args[0];
  if (is_integer(x.type)) {
    if (x.i64 == INT64_MIN) return evaluation_error("integer overflow in abs");
    out.add_lane(x.type, std::abs(x.i64));
  } else if (x.type == Type::kDecimal) {
    out.add_decimal(std::abs(x.i64), x.scale);
  } else if (std::optional<double> v = to_double(x)) {
    out.add_real(std::fabs(*v));
  } else {
    out.add_null();
  }
  return {};
}

template <double (*kRound)(double)>
Status to_whole(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  if (is_integer(args[0].type)) {
    out.add(args[0]);
  } else {
    std::optional<double> v = to_double(args[0]);
    put_real(v ? std::optional<double>(kRound(*v)) : std::nullopt, out);
  }
  return {};
}

Type whole_type(std::span<const BoundPtr> args) {
  Type type = args[0]->type;
  if (is_integer(type) || type == Type::kMixed || type == Type::kNull) return type;
  return Type::kDouble;
}

// Half away from zero, on the decimal text that the double stands for as far as 15 digits tell.
double rounded(double x, int64_t places) {
  if (places > 300 || places < -300 || !std::isfinite(x)) return places < -300 ? 0 : x;
  double power = std::pow(10.0, static_cast<double>(std::abs(places)));
  double scaled = places >= 0 ? x * power : x / power;
  if (!std::isfinite(scaled) || std::fabs(scaled) > 4503599627370496.0) return x;
  double whole = std::round(scaled);
  // 1.005 * 100 is 100.49999999999999: a product that is a half but for the last bits counts as a half.
  double half = std::trunc(scaled) + std::copysign(0.5, scaled);
  if (std::fabs(scaled - half) <= std::fabs(scaled) * 4 * std::numeric_limits<double>::epsilon()) {
    whole = half + std::copysign(0.5, scaled);
  }
  return places >= 0 ? whole / power : whole * power;
}

Status round_to(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> places = args.size() > 1 ? to_integer(args[1]) : 0;
  std::optional<double> x = to_double(args[0]);
  if (!places || !x) {
    out.add_null();
  } else if (is_integer(args[0].type)) {
    constexpr double kIntegerMax = 9.2e18;
    if (*places >= 0 || std::fabs(rounded(*x, *places)) > kIntegerMax) {
      out.add(args[0]);
    } else {
      out.add_lane(args[0].type, static_cast<int64_t>(rounded(*x, *places)));
    }
  } else {
    out.add_real(rounded(*x, *places));
  }
  return {};
}

Status truncate_to(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> places = to_integer(args[1]);
  std::optional<double> x = to_double(args[0]);
  if (!places || !x || *places > 300 || *places < -300) {
    out.add_null();
    return {};
  }
  double power = std::pow(10.0, static_cast<double>(std::abs(*places)));
  double v = *places >= 0 ? std::trunc(*x * power) / power : std::trunc(*x / power) * power;
  if (!std::isfinite(v)) v = *x;
  if (is_integer(args[0].type) && *places >= 0) {
    out.add(args[0]);
  } else if (is_integer(args[0].type) && std::fabs(v) < 9.2e18) {
    out.add_lane(args[0].type, static_cast<int64_t>(v));
  } else {
    out.add_real(v);
  }
  return {};
}

Status arctangent(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> y = to_double(args[0]);
  std::optional<double> x = args.size() > 1 ? to_double(args[1]) : 1.0;
  put_real(y && x ? std::optional<double>(args.size() > 1 ? std::atan2(*y, *x) : std::atan(*y)) : std::nullopt, out);
  return {};
}

Status power(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> x = to_double(args[0]);
  std::optional<double> y = to_double(args[1]);
  put_real(x && y ? std::optional<double>(std::pow(*x, *y)) : std::nullopt, out);
  return {};
}

// log(x) is natural; log(b, x) has the base b.
Status logarithm(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> x = to_double(args.back());
  std::optional<double> base = args.size() > 1 ? to_double(args[0]) : kE;
  bool defined = x && base && *x > 0 && *base > 0 && *base != 1;
  if (!defined) {
    out.add_null();
  } else {
    out.add_real(args.size() > 1 ? std::log(*x) / std::log(*base) : std::log(*x));
  }
  return {};
}

Status sign(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<double> x = to_double(args[0]);
  if (!x || std::isnan(*x)) {
    out.add_null();
  } else {
    out.add_int(static_cast<int64_t>(signum_of(*x)));
  }
  return {};
}

Status pi(const Bound&, std::span<const Cell>, VectorBuilder& out) {
  out.add_real(kPi);
  return {};
}

Status euler(const Bound&, std::span<const Cell>, VectorBuilder& out) {
  out.add_real(kE);
  return {};
}

// Digits of an integer in a base from 2 to 36, lower case.
std::string in_base(int64_t value, int base) {
  bool negative = value < 0;
  uint64_t left = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  do {
    digits += "0123456789abcdefghijklmnopqrstuvwxyz"[left % static_cast<uint64_t>(base)];
    left /= static_cast<uint64_t>(base);
  } while (left != 0);
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

Status convert_base(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string text(text_of(args[0], buffer));
  std::optional<int64_t> from = to_integer(args[1]);
  std::optional<int64_t> to = to_integer(args[2]);
  bool bases = from && to && *from >= 2 && *from <= 36 && *to >= 2 && *to <= 36;
  char* end = nullptr;
  errno = 0;
  int64_t value = bases ? std::strtoll(text.c_str(), &end, static_cast<int>(*from)) : 0;
  if (!bases || text.empty() || *end != '\0' || errno != 0) {
    out.add_null();
  } else {
    out.add_string(in_base(value, static_cast<int>(*to)));
  }
  return {};
}

Status checksum(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  out.add_long(static_cast<int64_t>(crc32_z(0, reinterpret_cast<const unsigned char*>(text.data()), text.size())));
  return {};
}

// rand() draws anew for every row, rand(seed) gives the same number everywhere; both from the query's time, so that a
// run can be repeated.
Status random_number(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<int64_t> seed = args.empty() ? std::nullopt : to_integer(args[0]);
  uint64_t bits = 0;
  if (seed) {
    bits = base::hash_mix(static_cast<uint64_t>(*seed), 0);
  } else {
    thread_local uint64_t drawn = 0;
    bits = base::hash_mix(static_cast<uint64_t>(call.now), ++drawn);
  }
  out.add_real(static_cast<double>(bits >> 11) * 0x1p-53);
  return {};
}

Status sum_of(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  const FunctionDef& plus = *find_function("+");
  model::Value total = value_of(args[0]);
  for (size_t i = 1; i < args.size(); ++i) {
    VectorBuilder step;
    const std::array<Cell, 2> pair{cell_of(total), args[i]};
    CLEW_TRY(plus.scalar(call, pair, step));
    model::VectorPtr vector = step.finish();
    total = value_of(cell_of(*vector, 0));
  }
  out.add(cell_of(total));
  return {};
}

Status average_of(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  double total = 0;
  for (const Cell& arg : args) {
    std::optional<double> v = to_double(arg);
    if (!v) {
      out.add_null();
      return {};
    }
    total += *v;
  }
  out.add_real(total / static_cast<double>(args.size()));
  return {};
}

constexpr TypeRule kDouble = always<Type::kDouble>;

constexpr FunctionDef kTable[] = {
    {"abs", 1, 1, type_of_first, absolute},
    {"acos", 1, 1, kDouble, of_real<std::acos>},
    {"asin", 1, 1, kDouble, of_real<std::asin>},
    {"atan", 1, 2, kDouble, arctangent},
    {"atan2", 2, 2, kDouble, arctangent},
    {"cbrt", 1, 1, kDouble, of_real<cube_root>},
    {"ceil", 1, 1, whole_type, to_whole<std::ceil>},
    {"ceiling", 1, 1, whole_type, to_whole<std::ceil>},
    {"conv", 3, 3, always<Type::kString>, convert_base},
    {"cos", 1, 1, kDouble, of_real<std::cos>},
    {"cosh", 1, 1, kDouble, of_real<std::cosh>},
    {"cot", 1, 1, kDouble, of_real<cotangent>},
    {"crc32", 1, 1, always<Type::kLong>, checksum},
    {"degrees", 1, 1, kDouble, of_real<degrees>},
    {"e", 0, 0, kDouble, euler},
    {"exp", 1, 1, kDouble, of_real<std::exp>},
    {"expm1", 1, 1, kDouble, of_real<std::expm1>},
    {"floor", 1, 1, whole_type, to_whole<std::floor>},
    {"ln", 1, 1, kDouble, of_real<natural_log>},
    {"log", 1, 2, kDouble, logarithm},
    {"log10", 1, 1, kDouble, of_real<log_of_ten>},
    {"log2", 1, 1, kDouble, of_real<log_of_two>},
    {"pi", 0, 0, kDouble, pi},
    {"pow", 2, 2, kDouble, power},
    {"power", 2, 2, kDouble, power},
    {"radians", 1, 1, kDouble, of_real<radians>},
    {"rand", 0, 1, kDouble, random_number, kVolatile},
    {"rint", 1, 1, kDouble, of_real<round_even>},
    {"round", 1, 2, whole_type, round_to},
    {"sign", 1, 1, always<Type::kInt>, sign},
    {"signum", 1, 1, always<Type::kInt>, sign},
    {"sin", 1, 1, kDouble, of_real<std::sin>},
    {"sinh", 1, 1, kDouble, of_real<std::sinh>},
    {"sqrt", 1, 1, kDouble, of_real<std::sqrt>},
    {"tan", 1, 1, kDouble, of_real<std::tan>},
    {"tanh", 1, 1, kDouble, of_real<std::tanh>},
    {"truncate", 2, 2, whole_type, truncate_to},
    {"sum", 1, kAnyCount, common_type, sum_of},
    {"avg", 1, kAnyCount, kDouble, average_of},
};

}  // namespace

std::span<const FunctionDef> math_functions() { return kTable; }

}  // namespace clew::expr
