// Extremes, distinct counts and percentiles.
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "base/hash.h"
#include "expr/aggregate_states.h"
#include "expr/builder.h"
#include "expr/coerce.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Layout;
using model::Type;
using model::Value;
using model::Vector;
using model::VectorPtr;

class Extreme final : public Aggregate {
 public:
  explicit Extreme(bool largest) : largest_(largest) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    grow(groups_count);
    const Vector& v = *args[0];
    if (v.type == Type::kNull) return {};
    bool lane = v.layout == Layout::kFlat && v.nulls.empty() && rows > 0;
    bool integers = is_integer(v.type) || v.type == Type::kTimestamp;
    if (lane && integers) {
      offer_lane(v, v.i64, rows, groups, groups_count);
      return {};
    }
    if (lane && v.type == Type::kDouble) {
      offer_lane(v, v.f64, rows, groups, groups_count);
      return {};
    }
    if (v.layout == Layout::kDict && groups.empty() && v.dict->size < rows) {
      offer_entries(v, rows);
      return {};
    }
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) { offer(cell_of(v, row), g); });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    grow(groups_count);
    const auto& from = static_cast<const Extreme&>(other);
    for (size_t g = 0; g < from.best_.size(); ++g) offer(cell_of(from.best_[g]), group_map[g]);
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    grow(groups_count);
    VectorBuilder out;
    for (const Value& value : best_) out.add(cell_of(value));
    return out.finish();
  }

  size_t memory_bytes() const override { return best_.capacity() * sizeof(Value) + text_bytes_; }

 private:
  void grow(uint32_t groups_count) { best_.resize(std::max<size_t>(best_.size(), groups_count)); }

  // Finds the best row of each group within the block on the bare lane, then offers those.
  template <class T>
  void offer_lane(const Vector& v, const std::vector<T>& lane, uint32_t rows, std::span<const uint32_t> groups,
                  uint32_t groups_count) {
    if (!groups.empty() && groups_count > rows) {
      for_rows(rows, groups, [&](uint32_t row, uint32_t g) { offer(cell_of(v, row), g); });
      return;
    }
    constexpr uint32_t kNoRow = UINT32_MAX;
    best_rows_.assign(std::max(groups_count, 1u), kNoRow);
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) {
      uint32_t best = best_rows_[g];
      // A NaN never replaces; where it came first every number does.
      bool better =
          best == kNoRow || lane[best] != lane[best] || (largest_ ? lane[row] > lane[best] : lane[row] < lane[best]);
      if (better) best_rows_[g] = row;
    });
    for (uint32_t g = 0; g < best_rows_.size(); ++g) {
      if (best_rows_[g] != kNoRow) offer(cell_of(v, best_rows_[g]), g);
    }
  }

  // Of one group: each entry of the dictionary that occurs, once.
  void offer_entries(const Vector& v, uint32_t rows) {
    std::vector<uint8_t> occurs(v.dict->size);
    for (uint32_t row = 0; row < rows; ++row) {
      if (v.nulls.empty() || v.nulls[row] == 0) occurs[v.codes[row]] = 1;
    }
    for (uint32_t code = 0; code < v.dict->size; ++code) {
      if (occurs[code] != 0) offer(cell_of(*v.dict, code), 0);
    }
  }

  void offer(const Cell& cell, uint32_t g) {
    if (cell.is_null() || (is_real(cell.type) && std::isnan(cell.f64))) return;
    if (cell.type == Type::kArray) {
      for (const Value& item : cell.value->items()) offer(cell_of(item), g);
      return;
    }
    Value& best = best_[g];
    if (!best.is_null()) {
      int order = best.type() == cell.type && is_lane(cell.type) ? (cell.i64 < best.i64() ? -1 : cell.i64 > best.i64())
                                                                 : total_order(cell, cell_of(best));
      if (largest_ ? order <= 0 : order >= 0) return;
    }
    best = value_of(cell);
    text_bytes_ += cell.text.size();
  }

  static bool is_lane(Type type) { return is_integer(type) || is_temporal(type); }

  bool largest_;
  std::vector<uint32_t> best_rows_;  // of the block at hand
  std::vector<Value> best_;
  size_t text_bytes_ = 0;
};

// A value of a group, in eight bytes: numbers that are whole as integers, so that 1 and 1.0 are one value.
struct NumberKey {
  uint32_t group;
  uint8_t kind;  // 0 integer, 1 double, 2 unsigned, else the type
  int64_t bits;
  bool operator==(const NumberKey&) const = default;
  template <class H>
  friend H AbslHashValue(H h, const NumberKey& key) {
    return H::combine(std::move(h), key.group, key.kind, key.bits);
  }
};

// Text of a group; the bytes lie in the arena.
struct TextKey {
  uint32_t group;
  std::string_view text;
  uint64_t hash;  // of the text
  bool operator==(const TextKey& b) const { return hash == b.hash && group == b.group && text == b.text; }
  template <class H>
  friend H AbslHashValue(H h, const TextKey& key) {
    return H::combine(std::move(h), key.group, key.hash);
  }
};

class DistinctCount final : public Aggregate {
 public:
  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    counts_.resize(std::max<size_t>(counts_.size(), groups_count));
    const Vector& v = *args[0];
    if (v.layout == Layout::kDict && add_dictionary(v, rows, groups, groups_count)) return {};
    if (add_flat(v, rows, groups)) return {};
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) { add(cell_of(v, row), g); });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const DistinctCount&>(other);
    counts_.resize(std::max<size_t>(counts_.size(), groups_count));
    for (NumberKey key : from.numbers_) {
      key.group = group_map[key.group];
      if (numbers_.insert(key).second) ++counts_[key.group];
    }
    for (const TextKey& key : from.texts_) add_text(key.text, group_map[key.group], key.hash);
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    counts_.resize(groups_count);
    VectorBuilder out;
    for (int64_t count : counts_) out.add_long(count);
    return out.finish();
  }

  size_t memory_bytes() const override {
    return counts_.capacity() * sizeof(int64_t) + numbers_.capacity() * (sizeof(NumberKey) + 1) +
           texts_.capacity() * (sizeof(TextKey) + 1) + arena_.memory_bytes() + seen_.capacity();
  }

 private:
  static constexpr size_t kSeenBytesMax = 1 << 20;

  // Marks (group, code) pairs of a dictionary, so that each is looked up once. The marks last as long as the dictionary
  // stays the same.
  bool add_dictionary(const Vector& v, uint32_t rows, std::span<const uint32_t> groups, uint32_t groups_count) {
    size_t entries = v.dict->size;
    size_t needed = entries * groups_count;
    if (needed > kSeenBytesMax || entries == 0) return false;
    if (seen_dict_ != v.dict || seen_.size() != needed) {
      seen_dict_ = v.dict;
      seen_.assign(needed, 0);
    }
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) {
      if (!v.nulls.empty() && v.nulls[row] != 0) return;
      uint8_t& seen = seen_[g * entries + v.codes[row]];
      if (seen == 0) add(cell_of(v, row), g);
      seen = 1;
    });
    return true;
  }

  void add_number(uint8_t kind, int64_t bits, uint32_t g) {
    if (numbers_.insert({g, kind, bits}).second) ++counts_[g];
  }

  void add_text(std::string_view text, uint32_t g, uint64_t hash) {
    texts_.lazy_emplace(TextKey{g, text, hash}, [&](const auto& construct) {
      construct(TextKey{g, arena_.add(text), hash});
      ++counts_[g];
    });
  }
  void add_text(std::string_view text, uint32_t g) { add_text(text, g, base::hash64(text)); }

  // Flat lanes: places of the tables are fetched ahead of their use.
  bool add_flat(const Vector& v, uint32_t rows, std::span<const uint32_t> groups) {
    constexpr uint32_t kAhead = 12;
    bool texts = v.type == Type::kString;
    bool integers = is_integer(v.type);
    if (v.layout != Layout::kFlat || !v.nulls.empty() || !(texts || integers)) return false;
    auto group = [&](uint32_t row) { return groups.empty() ? 0 : groups[row]; };
    if (integers) {
      for (uint32_t row = 0; row < rows; ++row) {
        if (row + kAhead < rows) numbers_.prefetch(NumberKey{group(row + kAhead), 0, v.i64[row + kAhead]});
        add_number(0, v.i64[row], group(row));
      }
      return true;
    }
    hashes_.resize(rows);
    for (uint32_t row = 0; row < rows; ++row) hashes_[row] = base::hash64(v.strings[row]);
    for (uint32_t row = 0; row < rows; ++row) {
      if (row + kAhead < rows) texts_.prefetch(TextKey{group(row + kAhead), {}, hashes_[row + kAhead]});
      add_text(v.strings[row], group(row), hashes_[row]);
    }
    return true;
  }

  void add(const Cell& cell, uint32_t g) {
    switch (cell.type) {
      case Type::kNull: break;
      case Type::kInt:
      case Type::kLong: add_number(0, cell.i64, g); break;
      case Type::kULong: add_number(cell.i64 < 0 ? 2 : 0, cell.i64, g); break;
      case Type::kDouble:
      case Type::kFloat:
      case Type::kDecimal: {
        double v = *to_double(cell);
        constexpr double kTwo63 = 9223372036854775808.0;
        bool whole = v == std::trunc(v);
        if (whole && v >= -kTwo63 && v < kTwo63) {
          add_number(0, static_cast<int64_t>(v), g);
        } else if (whole && v >= kTwo63 && v < 2 * kTwo63) {
          add_number(2, static_cast<int64_t>(static_cast<uint64_t>(v)), g);
        } else {
          add_number(1, std::bit_cast<int64_t>(std::isnan(v) ? std::nan("") : v), g);
        }
        break;
      }
      case Type::kString:
      case Type::kIp: add_text(cell.text, g); break;
      case Type::kArray:
        for (const Value& item : cell.value->items()) add(cell_of(item), g);
        break;
      case Type::kStruct:
      case Type::kMixed: add_text(print_value(value_of(cell)), g); break;
      default: add_number(static_cast<uint8_t>(16 + static_cast<uint8_t>(cell.type)), cell.i64, g);
    }
  }

  std::vector<int64_t> counts_;
  absl::flat_hash_set<NumberKey> numbers_;
  absl::flat_hash_set<TextKey> texts_;
  TextArena arena_;
  std::vector<uint64_t> hashes_;  // scratch
  std::shared_ptr<const Vector> seen_dict_;
  std::vector<uint8_t> seen_;
};

// Doubles as integers in the same order; -0.0 stands before 0.0.
int64_t ordered_bits(double v) {
  auto bits = std::bit_cast<int64_t>(v);
  return bits < 0 ? bits ^ INT64_MAX : bits;
}
double of_ordered_bits(int64_t bits) { return std::bit_cast<double>(bits < 0 ? bits ^ INT64_MAX : bits); }

// A number or time of any kind, in one exact order: numbers, times of day, dates and timestamps. A number is the
// greatest double that is not above it and what is left, which is 0 of doubles; of equal numbers -0.0 stands first,
// then the integer.
struct AnyValue {
  enum class Kind : uint8_t { kInteger, kUnsigned, kDouble, kTimestamp, kDate };
  OrderRank rank = OrderRank::kNumber;
  int64_t high = 0;  // the double's ordered bits; the time
  int64_t low = 0;   // what is left; the days of a date beyond all timestamps
  Kind kind = Kind::kInteger;
  auto operator<=>(const AnyValue&) const = default;

  static AnyValue of(Type type, int64_t lane) {
    switch (type) {
      case Type::kDouble: return {OrderRank::kNumber, lane, 0, Kind::kDouble};
      case Type::kULong: return of_unsigned(static_cast<uint64_t>(lane));
      case Type::kTime: return {OrderRank::kTimeOfDay, lane, 0, Kind::kInteger};
      case Type::kTimestamp: return {OrderRank::kMoment, lane, 0, Kind::kTimestamp};
      case Type::kDate: {
        Moment moment = moment_of(type, lane);
        return {OrderRank::kMoment, moment.nanos, moment.beyond, Kind::kDate};
      }
      default: return of_integer(lane);
    }
  }

  Value value() const {
    switch (rank) {
      case OrderRank::kTimeOfDay: return Value::of_lane(Type::kTime, high);
      case OrderRank::kMoment:
        if (kind == Kind::kTimestamp) return Value::timestamp(high);
        return Value::of_lane(Type::kDate, low != 0 ? low : high / kNanosPerDay);
      default: break;
    }
    double base = of_ordered_bits(high);
    if (kind == Kind::kDouble) return Value::real(base);
    if (kind == Kind::kInteger) return Value::bigint(static_cast<int64_t>(base) + low);
    return Value::ubigint(static_cast<uint64_t>(base) + static_cast<uint64_t>(low));
  }

 private:
  static AnyValue of_integer(int64_t v) {
    double base = static_cast<double>(v);
    if (compare_integer_double(v, base) == Order::kLess) base = std::nextafter(base, -HUGE_VAL);
    return {OrderRank::kNumber, ordered_bits(base), v - static_cast<int64_t>(base), Kind::kInteger};
  }
  static AnyValue of_unsigned(uint64_t v) {  // of 2^63 and above
    constexpr double kTwo64 = 18446744073709551616.0;
    double base = static_cast<double>(v);
    if (base >= kTwo64 || static_cast<uint64_t>(base) > v) base = std::nextafter(base, 0);
    return {OrderRank::kNumber, ordered_bits(base), static_cast<int64_t>(v - static_cast<uint64_t>(base)),
            Kind::kUnsigned};
  }
};

template <class T>
void sort_values(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
}

// Numbers that lie near each other are sorted by counting their digits, the lowest first.
void sort_values(std::vector<int64_t>& values) {
  constexpr size_t kValuesMin = 1024;
  constexpr int kDigitBits = 11;
  constexpr int kBitsMax = 3 * kDigitBits;  // more passes take as long as comparing
  constexpr uint64_t kDigitMask = (1u << kDigitBits) - 1;
  if (values.size() < kValuesMin) return std::sort(values.begin(), values.end());
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  auto least = static_cast<uint64_t>(*low);
  auto bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(*high) - least));
  if (bits > kBitsMax) return std::sort(values.begin(), values.end());
  std::vector<int64_t> other(values.size());
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    auto digit = [&](int64_t v) { return ((static_cast<uint64_t>(v) - least) >> shift) & kDigitMask; };
    std::array<size_t, kDigitMask + 1> places{};
    for (int64_t v : values) ++places[digit(v)];
    size_t before = 0;
    for (size_t& place : places) before += std::exchange(place, before);
    for (int64_t v : values) other[places[digit(v)]++] = v;
    values.swap(other);
  }
}

// All values of a group: sorted runs of equal values, and fresh ones. Fresh values are sorted in when they are as many
// as the runs, so that the work stays n log n and repeated values cost no memory.
template <class T>
class ValueRuns {
 public:
  struct Run {
    T value;
    uint64_t count;
  };

  void add(const T& v) {
    fresh_.push_back(v);
    if (fresh_.size() >= std::max(kFreshMin, runs_.size())) compact();
  }
  void add_all(const ValueRuns& other) {
    for (const T& v : other.fresh_) add(v);
    join(other.runs_);
  }
  // The value at position min(n-1, floor(p*n)) of all in order.  Requires: not empty.
  T at(double fraction) {
    compact();
    uint64_t n = 0;
    for (const Run& run : runs_) n += run.count;
    auto position = static_cast<uint64_t>(std::floor(fraction * static_cast<double>(n)));
    position = std::min(position, n - 1);
    for (const Run& run : runs_) {
      if (position < run.count) return run.value;
      position -= run.count;
    }
    return runs_.back().value;
  }
  bool empty() const { return fresh_.empty() && runs_.empty(); }
  size_t memory_bytes() const { return fresh_.capacity() * sizeof(T) + runs_.capacity() * sizeof(Run); }
  // The same values as f says them, which keeps their order.
  template <class U, class F>
  ValueRuns<U> converted(F f) const {
    ValueRuns<U> out;
    for (const T& v : fresh_) out.fresh_.push_back(f(v));
    for (const Run& run : runs_) out.runs_.push_back({f(run.value), run.count});
    return out;
  }

 private:
  template <class U>
  friend class ValueRuns;
  static constexpr size_t kFreshMin = 4096;

  void compact() {
    if (fresh_.empty()) return;
    sort_values(fresh_);
    std::vector<Run> fresh_runs;
    for (const T& v : fresh_) {
      if (!fresh_runs.empty() && fresh_runs.back().value == v) {
        ++fresh_runs.back().count;
      } else {
        fresh_runs.push_back({v, 1});
      }
    }
    fresh_.clear();
    join(fresh_runs);
  }

  void join(const std::vector<Run>& other) {
    std::vector<Run> joined;
    joined.reserve(runs_.size() + other.size());
    size_t i = 0;
    size_t k = 0;
    while (i < runs_.size() || k < other.size()) {
      if (k == other.size() || (i < runs_.size() && runs_[i].value < other[k].value)) {
        joined.push_back(runs_[i++]);
      } else if (i == runs_.size() || other[k].value < runs_[i].value) {
        joined.push_back(other[k++]);
      } else {
        joined.push_back({runs_[i].value, runs_[i].count + other[k].count});
        ++i;
        ++k;
      }
    }
    runs_ = std::move(joined);
  }

  std::vector<T> fresh_;
  std::vector<Run> runs_;
};

// Values stay in eight bytes each as long as all are of one type (integers of any width are one), else as AnyValue.
class Percentile final : public Aggregate {
 public:
  explicit Percentile(double fraction) : fraction_(fraction) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    grow(groups_count);
    const Vector& v = *args[0];
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) { add(cell_of(v, row), g); });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    grow(groups_count);
    const auto& from = static_cast<const Percentile&>(other);
    if (from.type_ == Type::kNull) return {};
    if (from.type_ != type_) see(from.type_);
    for (size_t g = 0; g < from.any_.size(); ++g) any_[group_map[g]].add_all(from.any_[g]);
    for (size_t g = 0; g < from.lanes_.size(); ++g) {
      if (type_ == Type::kMixed) {
        any_[group_map[g]].add_all(mixed(from.lanes_[g], from.type_));
      } else {
        lanes_[group_map[g]].add_all(from.lanes_[g]);
      }
    }
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    grow(groups_count);
    VectorBuilder out;
    for (uint32_t g = 0; g < groups_count; ++g) {
      if (type_ == Type::kMixed ? any_[g].empty() : lanes_[g].empty()) {
        out.add_null();
      } else if (type_ == Type::kMixed) {
        out.add(cell_of(any_[g].at(fraction_).value()));
      } else if (type_ == Type::kDouble) {
        out.add_real(of_ordered_bits(lanes_[g].at(fraction_)));
      } else {
        out.add_lane(type_, lanes_[g].at(fraction_));
      }
    }
    lanes_.clear();
    any_.clear();
    return out.finish();
  }

  size_t memory_bytes() const override {
    size_t bytes = lanes_.capacity() * sizeof(Lane) + any_.capacity() * sizeof(ValueRuns<AnyValue>);
    for (const Lane& runs : lanes_) bytes += runs.memory_bytes();
    for (const auto& runs : any_) bytes += runs.memory_bytes();
    return bytes;
  }

 private:
  using Lane = ValueRuns<int64_t>;

  void grow(uint32_t groups_count) {
    if (type_ == Type::kMixed) {
      any_.resize(std::max<size_t>(any_.size(), groups_count));
    } else {
      lanes_.resize(std::max<size_t>(lanes_.size(), groups_count));
    }
  }

  static ValueRuns<AnyValue> mixed(const Lane& lane, Type type) {
    return lane.converted<AnyValue>([type](int64_t v) { return AnyValue::of(type, v); });
  }

  // Another type than all before.
  void see(Type type) {
    if (type_ == Type::kNull && type != Type::kMixed) {
      type_ = type;
    } else if (is_integer(type_) && is_integer(type)) {
      type_ = Type::kLong;
    } else if (type_ != Type::kMixed) {
      for (const Lane& lane : lanes_) any_.push_back(mixed(lane, type_));
      lanes_ = std::vector<Lane>();
      type_ = Type::kMixed;
    }
  }

  void add(const Cell& cell, uint32_t g) {
    if (cell.type == Type::kArray) {
      for (const Value& item : cell.value->items()) add(cell_of(item), g);
      return;
    }
    bool small = cell.type == Type::kULong && cell.i64 >= 0;
    bool lane = is_integer(cell.type) || cell.type == Type::kULong || is_temporal(cell.type);
    std::optional<double> v = lane ? 0 : to_double(cell);
    if (!v || std::isnan(*v)) return;
    Type type = small ? Type::kLong : lane ? cell.type : Type::kDouble;
    int64_t bits = lane ? cell.i64 : ordered_bits(*v);
    if (type != type_) see(type);
    if (type_ == Type::kMixed) {
      any_[g].add(AnyValue::of(type, bits));
    } else {
      lanes_[g].add(bits);
    }
  }

  double fraction_;
  Type type_ = Type::kNull;               // of the values so far
  std::vector<Lane> lanes_;               // unless kMixed
  std::vector<ValueRuns<AnyValue>> any_;  // kMixed
};

}  // namespace

std::unique_ptr<Aggregate> make_extreme(bool largest) { return std::make_unique<Extreme>(largest); }
std::unique_ptr<Aggregate> make_distinct_count() { return std::make_unique<DistinctCount>(); }
std::unique_ptr<Aggregate> make_percentile(double fraction) { return std::make_unique<Percentile>(fraction); }

}  // namespace clew::expr
