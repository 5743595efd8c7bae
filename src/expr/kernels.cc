#include "expr/kernels.h"

#include <cmath>
#include <optional>

#include "expr/cell.h"
#include "expr/coerce.h"
#include "expr/functions.h"

namespace clew::expr {
namespace {

using model::Layout;
using model::Selection;
using model::Type;
using model::Vector;
using model::VectorPtr;

enum class Op : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };

std::optional<Op> op_of(std::string_view name) {
  if (name == "=") return Op::kEq;
  if (name == "!=") return Op::kNe;
  if (name == "<") return Op::kLt;
  if (name == "<=") return Op::kLe;
  if (name == ">") return Op::kGt;
  if (name == ">=") return Op::kGe;
  return std::nullopt;
}

Op mirrored(Op op) {
  switch (op) {
    case Op::kLt: return Op::kGt;
    case Op::kLe: return Op::kGe;
    case Op::kGt: return Op::kLt;
    case Op::kGe: return Op::kLe;
    default: return op;
  }
}

template <Op kOp, class T>
bool holds(const T& a, const T& b) {
  if constexpr (kOp == Op::kEq) return a == b;
  if constexpr (kOp == Op::kNe) return a != b;
  if constexpr (kOp == Op::kLt) return a < b;
  if constexpr (kOp == Op::kLe) return a <= b;
  if constexpr (kOp == Op::kGt) return a > b;
  if constexpr (kOp == Op::kGe) return a >= b;
}

// Doubles: NaN stands in no order to anything, so that every comparison with it is null; `!=` alone would say true.
template <Op kOp>
bool holds_double(double a, double b) {
  if constexpr (kOp == Op::kNe) return a < b || a > b;
  return holds<kOp>(a, b);
}

bool is_lane(const Vector& v) { return v.layout == Layout::kFlat || v.layout == Layout::kConst; }
const uint8_t* nulls_of(const Vector& v) { return v.nulls.empty() ? nullptr : v.nulls.data(); }

// Two lanes to compare: `test(i)` for row i, null where either side is null.
struct Nulls {
  const uint8_t* a = nullptr;
  const uint8_t* b = nullptr;
  uint32_t a_step = 1;  // 0: one entry for all rows
  uint32_t b_step = 1;
  bool any() const { return a != nullptr || b != nullptr; }
  bool at(uint32_t i) const { return (a != nullptr && a[i * a_step] != 0) || (b != nullptr && b[i * b_step] != 0); }
};

// Writes truth values of all rows.
struct LaneSink {
  Vector out;
  template <class Test>
  void run(uint32_t rows, const Nulls& nulls, Test test) {
    out.type = Type::kBool;
    out.layout = Layout::kFlat;
    out.size = rows;
    out.i64.resize(rows);
    int64_t* to = out.i64.data();
    for (uint32_t i = 0; i < rows; ++i) to[i] = test(i) ? 1 : 0;
    if (!nulls.any()) return;
    out.nulls.resize(rows);
    for (uint32_t i = 0; i < rows; ++i) out.nulls[i] = nulls.at(i) ? 1 : 0;
  }
};

// Keeps the rows where the test holds.
struct SelectionSink {
  Selection& rows;
  template <class Test>
  void run(uint32_t count, const Nulls& nulls, Test test) {
    uint32_t* to = rows.data();
    uint32_t kept = 0;
    if (!nulls.any()) {
      for (uint32_t i = 0; i < count; ++i) {
        uint32_t row = to[i];
        to[kept] = row;
        kept += test(i) ? 1u : 0u;
      }
    } else {
      for (uint32_t i = 0; i < count; ++i) {
        uint32_t row = to[i];
        to[kept] = row;
        kept += test(i) && !nulls.at(i) ? 1u : 0u;
      }
    }
    rows.resize(kept);
  }
};

struct Sides {
  const Vector& a;
  const Vector& b;
  uint32_t rows;
};

Nulls nulls_of(const Sides& s) {
  return {nulls_of(s.a), nulls_of(s.b), s.a.layout == Layout::kConst ? 0u : 1u, s.b.layout == Layout::kConst ? 0u : 1u};
}

// The pointer and step of a lane.
template <class T>
struct Lane {
  const T* values;
  uint32_t step;
  const T& operator[](uint32_t i) const { return values[i * step]; }
};
template <class T>
Lane<T> lane(const std::vector<T>& values, const Vector& v) {
  return {values.data(), v.layout == Layout::kConst ? 0u : 1u};
}

template <Op kOp, class Sink>
void compare_ints(const Sides& s, Sink& sink) {
  if (s.b.layout == Layout::kConst && s.a.layout == Layout::kFlat) {
    const int64_t* a = s.a.i64.data();
    int64_t b = s.b.i64[0];
    return sink.run(s.rows, nulls_of(s), [a, b](uint32_t i) { return holds<kOp>(a[i], b); });
  }
  auto a = lane(s.a.i64, s.a);
  auto b = lane(s.b.i64, s.b);
  sink.run(s.rows, nulls_of(s), [a, b](uint32_t i) { return holds<kOp>(a[i], b[i]); });
}

template <Op kOp, class Sink>
void compare_reals(const Sides& s, Sink& sink) {
  if (s.b.layout == Layout::kConst && s.a.layout == Layout::kFlat) {
    const double* a = s.a.f64.data();
    double b = s.b.f64[0];
    return sink.run(s.rows, nulls_of(s), [a, b](uint32_t i) { return holds_double<kOp>(a[i], b); });
  }
  auto a = lane(s.a.f64, s.a);
  auto b = lane(s.b.f64, s.b);
  sink.run(s.rows, nulls_of(s), [a, b](uint32_t i) { return holds_double<kOp>(a[i], b[i]); });
}

template <Op kOp, class Sink>
void compare_texts(const Sides& s, Sink& sink) {
  auto a = lane(s.a.strings, s.a);
  if (s.b.layout == Layout::kConst) {
    std::string_view b = s.b.strings[0];
    return sink.run(s.rows, nulls_of(s), [a, b](uint32_t i) { return holds<kOp>(a[i], b); });
  }
  auto b = lane(s.b.strings, s.b);
  sink.run(s.rows, nulls_of(s), [a, b](uint32_t i) { return holds<kOp>(a[i], b[i]); });
}

template <Op kOp, class Sink>
bool compare_op(const Sides& s, Sink& sink) {
  bool same_lane = s.a.type == s.b.type && (s.a.type == Type::kBool || is_temporal(s.a.type));
  if (same_lane || (is_integer(s.a.type) && is_integer(s.b.type))) {
    compare_ints<kOp>(s, sink);
    return true;
  }
  if (is_real(s.a.type) && is_real(s.b.type)) {
    compare_reals<kOp>(s, sink);
    return true;
  }
  if (s.a.type == Type::kString && s.b.type == Type::kString) {
    compare_texts<kOp>(s, sink);
    return true;
  }
  return false;
}

template <class Sink>
bool compare_any(Op op, const Sides& s, Sink& sink) {
  switch (op) {
    case Op::kEq: return compare_op<Op::kEq>(s, sink);
    case Op::kNe: return compare_op<Op::kNe>(s, sink);
    case Op::kLt: return compare_op<Op::kLt>(s, sink);
    case Op::kLe: return compare_op<Op::kLe>(s, sink);
    case Op::kGt: return compare_op<Op::kGt>(s, sink);
    case Op::kGe: return compare_op<Op::kGe>(s, sink);
  }
  return false;
}

// A constant brought to the type of the lane that it is compared with, so that the loop needs one type only. Null when
// the comparison would mean something else.
std::optional<Vector> constant_like(const Vector& constant, Type type, Op& op, int64_t now) {
  Cell cell = cell_of(constant, 0);
  if (is_temporal(type) && is_temporal(cell.type) && type != Type::kTimestamp) return std::nullopt;
  if (type == Type::kTimestamp && (cell.type == Type::kString || is_temporal(cell.type))) {
    std::optional<int64_t> t = to_timestamp(cell, now);
    if (!t) return std::nullopt;
    return Vector::constant(model::Value::timestamp(*t), constant.size);
  }
  if (is_real(type) && (is_number(cell.type) || cell.type == Type::kString)) {
    std::optional<double> v = to_double(cell);
    bool exact = v && (cell.type != Type::kLong || std::fabs(*v) < 9007199254740992.0) && cell.type != Type::kULong;
    if (!exact) return std::nullopt;
    return Vector::constant(model::Value::real(*v), constant.size);
  }
  if (!is_integer(type)) return std::nullopt;
  if (!is_real(cell.type) && cell.type != Type::kDecimal && cell.type != Type::kString) return std::nullopt;
  int64_t whole = 0;
  bool fraction = false;
  if (cell.type == Type::kDecimal) {
    whole = floor_div(cell.i64, kPowersOfTen[cell.scale]);
    fraction = cell.i64 % kPowersOfTen[cell.scale] != 0;
  } else {
    std::optional<double> v = to_double(cell);
    if (!v || !(std::fabs(*v) < 9007199254740992.0)) return std::nullopt;
    whole = static_cast<int64_t>(std::floor(*v));
    fraction = std::floor(*v) != *v;
  }
  // x < 2.5 is x <= 2, x >= 2.5 is x > 2; equality with a fraction stays with the general way.
  if (fraction) {
    if (op == Op::kEq || op == Op::kNe) return std::nullopt;
    op = op == Op::kLt ? Op::kLe : op == Op::kGe ? Op::kGt : op;
  }
  return Vector::constant(model::Value::bigint(whole), constant.size);
}

template <class Sink>
bool compare_into(Op op, const Vector& a, const Vector& b, uint32_t rows, int64_t now, Sink& sink) {
  if (!is_lane(a) || !is_lane(b) || a.type == Type::kNull || b.type == Type::kNull || rows == 0) return false;
  if (a.layout == Layout::kConst && b.layout != Layout::kConst) {
    return compare_into(mirrored(op), b, a, rows, now, sink);
  }
  if (compare_any(op, {a, b, rows}, sink)) return true;
  if (b.layout != Layout::kConst || b.is_null(0)) return false;
  std::optional<Vector> constant = constant_like(b, a.type, op, now);
  return constant && compare_any(op, {a, *constant, rows}, sink);
}

// Arithmetic of one operator on both lanes.
struct Add {
  static bool ints(int64_t a, int64_t b, int64_t& out) { return !__builtin_add_overflow(a, b, &out); }
  static double reals(double a, double b) { return a + b; }
};
struct Subtract {
  static bool ints(int64_t a, int64_t b, int64_t& out) { return !__builtin_sub_overflow(a, b, &out); }
  static double reals(double a, double b) { return a - b; }
};
struct Multiply {
  static bool ints(int64_t a, int64_t b, int64_t& out) { return !__builtin_mul_overflow(a, b, &out); }
  static double reals(double a, double b) { return a * b; }
};

void copy_nulls(const Sides& s, Vector& out) {
  Nulls nulls = nulls_of(s);
  if (!nulls.any()) return;
  out.nulls.resize(s.rows);
  for (uint32_t i = 0; i < s.rows; ++i) out.nulls[i] = nulls.at(i) ? 1 : 0;
}

template <class F>
Result<VectorPtr> integer_arithmetic(const Bound& call, const Sides& s) {
  Vector out;
  out.layout = Layout::kFlat;
  out.size = s.rows;
  out.i64.resize(s.rows);
  copy_nulls(s, out);
  auto a = lane(s.a.i64, s.a);
  auto b = lane(s.b.i64, s.b);
  bool overflow = false;
  bool small = true;
  for (uint32_t i = 0; i < s.rows; ++i) {
    int64_t v = 0;
    bool fits = F::ints(a[i], b[i], v);
    bool null = !out.nulls.empty() && out.nulls[i] != 0;
    overflow |= !fits && !null;
    small &= null || v == static_cast<int32_t>(v);
    out.i64[i] = v;
  }
  if (overflow) return evaluation_error("integer overflow in " + std::string(call.function->name));
  bool ints = s.a.type == Type::kInt && s.b.type == Type::kInt && small;
  out.type = ints ? Type::kInt : Type::kLong;
  return std::make_shared<const Vector>(std::move(out));
}

bool as_reals(const Vector& v, Vector& copy, const Vector*& out) {
  out = &v;
  if (v.type == Type::kDouble) return true;
  if (!is_integer(v.type)) return false;
  copy.type = Type::kDouble;
  copy.layout = v.layout;
  copy.size = v.size;
  copy.nulls = v.nulls;
  copy.f64.assign(v.i64.begin(), v.i64.end());
  out = &copy;
  return true;
}

template <class F>
VectorPtr real_arithmetic(const Vector& left, const Vector& right, uint32_t rows) {
  Vector left_copy;
  Vector right_copy;
  const Vector* a = nullptr;
  const Vector* b = nullptr;
  if (!as_reals(left, left_copy, a) || !as_reals(right, right_copy, b)) return nullptr;
  Sides s{*a, *b, rows};
  Vector out;
  out.type = Type::kDouble;
  out.layout = Layout::kFlat;
  out.size = rows;
  out.f64.resize(rows);
  copy_nulls(s, out);
  auto x = lane(a->f64, *a);
  auto y = lane(b->f64, *b);
  for (uint32_t i = 0; i < rows; ++i) out.f64[i] = F::reals(x[i], y[i]);
  return std::make_shared<const Vector>(std::move(out));
}

template <class F>
Result<VectorPtr> arithmetic(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  const Vector& a = *args[0];
  const Vector& b = *args[1];
  if (!is_lane(a) || !is_lane(b) || rows == 0) return VectorPtr();
  if (is_integer(a.type) && is_integer(b.type)) return integer_arithmetic<F>(call, {a, b, rows});
  return real_arithmetic<F>(a, b, rows);
}

VectorPtr null_test(const Vector& v, uint32_t rows, bool want_null) {
  Vector out;
  out.type = Type::kBool;
  out.layout = Layout::kFlat;
  out.size = rows;
  out.i64.resize(rows);
  for (uint32_t i = 0; i < rows; ++i) out.i64[i] = v.is_null(i) == want_null ? 1 : 0;
  return std::make_shared<const Vector>(std::move(out));
}

}  // namespace

bool is_vector_comparison(const Bound& call) { return op_of(call_name(call)).has_value(); }

bool select_comparison(const Bound& call, const Vector& a, const Vector& b, Selection& rows) {
  SelectionSink sink{rows};
  return compare_into(*op_of(call_name(call)), a, b, static_cast<uint32_t>(rows.size()), call.now, sink);
}

Result<VectorPtr> compare_vectors(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  LaneSink sink;
  if (!compare_into(*op_of(call_name(call)), *args[0], *args[1], rows, call.now, sink)) return VectorPtr();
  return std::make_shared<const Vector>(std::move(sink.out));
}

Result<VectorPtr> add_vectors(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  return arithmetic<Add>(call, args, rows);
}

Result<VectorPtr> subtract_vectors(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  return arithmetic<Subtract>(call, args, rows);
}

Result<VectorPtr> multiply_vectors(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  return arithmetic<Multiply>(call, args, rows);
}

Result<VectorPtr> divide_vectors(const Bound&, std::span<const VectorPtr> args, uint32_t rows) {
  const Vector& a = *args[0];
  const Vector& b = *args[1];
  bool doubles = a.type == Type::kDouble && b.layout == Layout::kConst && is_number(b.type) && b.type != Type::kULong;
  if (!is_lane(a) || !doubles || rows == 0 || b.is_null(0)) return VectorPtr();
  double by = *to_double(cell_of(b, 0));
  if (by == 0) return VectorPtr();
  Vector out;
  out.type = Type::kDouble;
  out.layout = Layout::kFlat;
  out.size = rows;
  out.f64.resize(rows);
  copy_nulls({a, b, rows}, out);
  auto x = lane(a.f64, a);
  for (uint32_t i = 0; i < rows; ++i) out.f64[i] = x[i] / by;
  return std::make_shared<const Vector>(std::move(out));
}

Result<VectorPtr> isnull_vector(const Bound&, std::span<const VectorPtr> args, uint32_t rows) {
  return null_test(*args[0], rows, true);
}

Result<VectorPtr> isnotnull_vector(const Bound&, std::span<const VectorPtr> args, uint32_t rows) {
  return null_test(*args[0], rows, false);
}

}  // namespace clew::expr
