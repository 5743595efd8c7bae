#include "columnar/number_filter.h"

#include <algorithm>
#include <cmath>

#include "columnar/stats.h"

namespace clew::columnar {
namespace {

using contract::Predicate;
using model::Kind;
using model::Type;

constexpr double kExact = 9007199254740992.0;  // 2^53: integers below it are doubles and back
constexpr uint16_t bit(Kind kind) { return static_cast<uint16_t>(1u << static_cast<int>(kind)); }
constexpr uint16_t kNumbers = bit(Kind::kInt) | bit(Kind::kUint) | bit(Kind::kDecimal) | bit(Kind::kFloat);

std::optional<double> constant_of(const model::Value& v) {
  switch (v.type()) {
    case Type::kInt:
    case Type::kLong: {
      auto d = static_cast<double>(v.i64());
      return std::fabs(d) < kExact ? std::optional(d) : std::nullopt;
    }
    case Type::kDouble: return std::isnan(v.f64()) ? std::nullopt : std::optional(v.f64());
    default: return std::nullopt;
  }
}

template <class T, class Keep>
void keep_rows(const T& lane, uint32_t begin, model::Selection& rows, Keep keep) {
  size_t kept = 0;
  for (uint32_t row : rows) {
    rows[kept] = row;
    kept += keep(lane[row - begin]);
  }
  rows.resize(kept);
}

// Of all rows of a block, those with just this value, which are few: eight at a time are passed over.
void keep_equal(const std::vector<int64_t>& lane, int64_t wanted, uint32_t begin, model::Selection& rows) {
  constexpr size_t kAtOnce = 8;
  size_t kept = 0;
  size_t at = 0;
  auto look = [&](size_t end) {
    for (; at < end; ++at) {
      if (lane[at] == wanted) rows[kept++] = begin + static_cast<uint32_t>(at);
    }
  };
  while (at + kAtOnce <= lane.size()) {
    bool any = false;
    for (size_t i = 0; i < kAtOnce; ++i) any |= lane[at + i] == wanted;
    any ? look(at + kAtOnce) : static_cast<void>(at += kAtOnce);
  }
  look(lane.size());
  rows.resize(kept);
}

}  // namespace

// Integers compared with integers, of any greatness.
std::optional<NumberFilter> NumberFilter::make_exact(const Predicate& leaf, const Chunk& chunk) {
  NumberFilter f;
  f.op_ = leaf.op == Predicate::Op::kEquals ? Predicate::Op::kIn : leaf.op;
  for (const model::Value& value : leaf.values) {
    if (value.type() != Type::kInt && value.type() != Type::kLong) return std::nullopt;
    f.ints_.push_back(value.i64());
  }
  if (chunk.stats.form != StatsForm::kInts) return f;
  switch (f.op_) {
    case Predicate::Op::kLess: f.may_match_ = chunk.stats.int_min < f.ints_[0]; break;
    case Predicate::Op::kLessEq: f.may_match_ = chunk.stats.int_min <= f.ints_[0]; break;
    case Predicate::Op::kGreater: f.may_match_ = chunk.stats.int_max > f.ints_[0]; break;
    case Predicate::Op::kGreaterEq: f.may_match_ = chunk.stats.int_max >= f.ints_[0]; break;
    default:
      f.may_match_ = std::any_of(f.ints_.begin(), f.ints_.end(),
                                 [&](int64_t v) { return v >= chunk.stats.int_min && v <= chunk.stats.int_max; });
  }
  return f;
}

std::optional<NumberFilter> NumberFilter::make(const Predicate& leaf, const Chunk& chunk) {
  auto kinds = static_cast<uint16_t>(chunk.kinds & ~bit(Kind::kNull));
  if ((kinds & ~kNumbers) != 0 || leaf.values.empty()) return std::nullopt;
  if (kinds == bit(Kind::kInt)) {
    if (std::optional<NumberFilter> exact = make_exact(leaf, chunk)) return exact;
  }
  // Beyond 2^53 a comparison of integers is not one of doubles.
  bool ints = chunk.stats.form == StatsForm::kInts;
  if (kinds & bit(Kind::kUint)) return std::nullopt;
  if (kinds == bit(Kind::kInt) && (!ints || std::fabs(static_cast<double>(chunk.stats.int_min)) >= kExact ||
                                   std::fabs(static_cast<double>(chunk.stats.int_max)) >= kExact)) {
    return std::nullopt;
  }
  if (kinds != bit(Kind::kInt) && (kinds & bit(Kind::kInt)) &&
      (chunk.stats.form != StatsForm::kNumbers || std::fabs(chunk.stats.number_min) >= kExact ||
       std::fabs(chunk.stats.number_max) >= kExact)) {
    return std::nullopt;
  }
  NumberFilter f;
  f.op_ = leaf.op;
  for (const model::Value& value : leaf.values) {
    std::optional<double> constant = constant_of(value);
    if (!constant) return std::nullopt;
    f.constants_.push_back(*constant);
  }
  if (f.op_ == Predicate::Op::kEquals) f.op_ = Predicate::Op::kIn;
  double min = ints ? static_cast<double>(chunk.stats.int_min) : chunk.stats.number_min;
  double max = ints ? static_cast<double>(chunk.stats.int_max) : chunk.stats.number_max;
  if (chunk.stats.form == StatsForm::kNone) return f;
  double c = f.constants_[0];
  switch (f.op_) {
    case Predicate::Op::kLess: f.may_match_ = min < c; break;
    case Predicate::Op::kLessEq: f.may_match_ = min <= c; break;
    case Predicate::Op::kGreater: f.may_match_ = max > c; break;
    case Predicate::Op::kGreaterEq: f.may_match_ = max >= c; break;
    default:
      f.may_match_ =
          std::any_of(f.constants_.begin(), f.constants_.end(), [&](double v) { return v >= min && v <= max; });
  }
  return f;
}

bool NumberFilter::matches(double v) const {
  switch (op_) {
    case Predicate::Op::kLess: return v < constants_[0];
    case Predicate::Op::kLessEq: return v <= constants_[0];
    case Predicate::Op::kGreater: return v > constants_[0];
    case Predicate::Op::kGreaterEq: return v >= constants_[0];
    default: return std::find(constants_.begin(), constants_.end(), v) != constants_.end();
  }
}

bool NumberFilter::matches_int(int64_t v) const {
  switch (op_) {
    case Predicate::Op::kLess: return v < ints_[0];
    case Predicate::Op::kLessEq: return v <= ints_[0];
    case Predicate::Op::kGreater: return v > ints_[0];
    case Predicate::Op::kGreaterEq: return v >= ints_[0];
    default: return std::find(ints_.begin(), ints_.end(), v) != ints_.end();
  }
}

bool NumberFilter::int_range(int64_t& low, int64_t& high) const {
  if (ints_.size() != 1) return false;
  low = INT64_MIN;
  high = INT64_MAX;
  int64_t c = ints_[0];
  switch (op_) {
    case Predicate::Op::kLess: high = c - (c == INT64_MIN ? 0 : 1); return c != INT64_MIN;
    case Predicate::Op::kLessEq: high = c; return true;
    case Predicate::Op::kGreater: low = c + (c == INT64_MAX ? 0 : 1); return c != INT64_MAX;
    case Predicate::Op::kGreaterEq: low = c; return true;
    default: low = high = c; return true;
  }
}

bool NumberFilter::lane_range(uint8_t scale, int64_t& low, int64_t& high) const {
  if (constants_.size() > 1) return false;
  double power = 1;
  for (uint8_t i = 0; i < scale; ++i) power *= 10;
  double at = constants_[0] * power;
  if (std::fabs(at) > kExact / 4) return false;
  // The matching mantissas are a run of integers whose ends lie beside `at`; which ones exactly, the numbers themselves
  // say.
  auto near = static_cast<int64_t>(std::floor(at));
  auto holds = [&](int64_t m) { return matches(number_of(scale == 0 ? Kind::kInt : Kind::kDecimal, m, scale)); };
  constexpr int64_t kReach = 4;
  bool below = op_ == Predicate::Op::kLess || op_ == Predicate::Op::kLessEq;
  bool above = op_ == Predicate::Op::kGreater || op_ == Predicate::Op::kGreaterEq;
  low = INT64_MAX;
  high = INT64_MIN;
  for (int64_t m = near - kReach; m <= near + kReach; ++m) {
    if (!holds(m)) continue;
    low = std::min(low, m);
    high = std::max(high, m);
  }
  if (below) low = INT64_MIN;
  if (above) high = INT64_MAX;
  return true;
}

void NumberFilter::narrow(const BlockValues& values, uint32_t begin, model::Selection& rows) const {
  bool uniform = values.kinds.empty() && values.scales.empty();
  auto kind = static_cast<Kind>(values.kind);
  int64_t low = 0;
  int64_t high = 0;
  if (uniform && values.kind == kAbsent) {
    rows.clear();
  } else if (!ints_.empty()) {
    bool every = values.kinds.empty() && int_range(low, high);
    if (every && low == high && rows.size() == values.ints.size()) {
      keep_equal(values.ints, low, begin, rows);
    } else if (every) {
      keep_rows(values.ints, begin, rows, [low, high](int64_t v) { return (v >= low) & (v <= high); });
    } else {
      size_t kept = 0;
      for (uint32_t row : rows) {
        rows[kept] = row;
        kept +=
            values.kind_at(row - begin) == static_cast<uint8_t>(Kind::kInt) && matches_int(values.ints[row - begin]);
      }
      rows.resize(kept);
    }
  } else if (uniform && (kind == Kind::kInt || kind == Kind::kDecimal) &&
             lane_range(kind == Kind::kInt ? 0 : values.scale, low, high)) {
    keep_rows(values.ints, begin, rows, [low, high](int64_t v) { return (v >= low) & (v <= high); });
  } else {
    size_t kept = 0;
    for (uint32_t row : rows) {
      uint8_t k = values.kind_at(row - begin);
      bool number = k != kAbsent && k != static_cast<uint8_t>(Kind::kNull);
      rows[kept] = row;
      kept +=
          number && matches(number_of(static_cast<Kind>(k), values.ints[row - begin], values.scale_at(row - begin)));
    }
    rows.resize(kept);
  }
}

}  // namespace clew::columnar
