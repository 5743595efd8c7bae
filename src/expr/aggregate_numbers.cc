// Counts, sums, means and spreads.
#include <cmath>

#include "expr/aggregate_states.h"
#include "expr/builder.h"
#include "expr/coerce.h"
#include "expr/functions.h"

namespace clew::expr {
namespace {

using model::Layout;
using model::Type;
using model::Vector;
using model::VectorPtr;

__extension__ using Wide = __int128;

VectorPtr longs(std::vector<int64_t> values) {
  Vector out;
  out.type = Type::kLong;
  out.layout = Layout::kFlat;
  out.size = static_cast<uint32_t>(values.size());
  out.i64 = std::move(values);
  return std::make_shared<const Vector>(std::move(out));
}

class Count final : public Aggregate {
 public:
  explicit Count(bool only_true) : only_true_(only_true) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    counts_.resize(std::max<size_t>(counts_.size(), groups_count));
    int64_t* counts = counts_.data();
    if (only_true_) {
      const Vector& v = *args[0];
      for_rows(rows, groups, [&](uint32_t row, uint32_t g) { counts[g] += truth_of(cell_of(v, row)) == 1 ? 1 : 0; });
    } else if (args.empty() || !args[0]->has_nulls()) {
      if (groups.empty()) {
        counts[0] += rows;
      } else {
        for (uint32_t g : groups) ++counts[g];
      }
    } else {
      const Vector& v = *args[0];
      for_rows(rows, groups, [&](uint32_t row, uint32_t g) { counts[g] += v.is_null(row) ? 0 : 1; });
    }
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const Count&>(other);
    counts_.resize(std::max<size_t>(counts_.size(), groups_count));
    for (size_t g = 0; g < from.counts_.size(); ++g) counts_[group_map[g]] += from.counts_[g];
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    counts_.resize(groups_count);
    return longs(std::move(counts_));
  }

  size_t memory_bytes() const override { return counts_.capacity() * sizeof(int64_t); }

 private:
  bool only_true_;
  std::vector<int64_t> counts_;
};

// Integers and decimals are added exactly, in 128 bits; doubles apart from them.
struct Total {
  Wide whole = 0;  // integers
  double reals = 0;
  int64_t values = 0;  // numbers seen
  bool any_real = false;
};

class Sums {
 public:
  void grow(uint32_t groups) { totals_.resize(std::max<size_t>(totals_.size(), groups)); }

  void add(const Vector& v, uint32_t rows, std::span<const uint32_t> groups) {
    bool lane = v.layout == Layout::kFlat && v.nulls.empty();
    if (lane && is_integer(v.type)) return add_integers(v.i64.data(), rows, groups);
    if (lane && v.type == Type::kDouble) return add_reals(v.f64.data(), rows, groups);
    if (v.layout == Layout::kFlat && is_integer(v.type)) {
      return add_some(v.nulls.data(), rows, groups, [&](Total& t, uint32_t row) { t.whole += v.i64[row]; });
    }
    if (v.layout == Layout::kFlat && v.type == Type::kDouble) {
      return add_some(v.nulls.data(), rows, groups, [&](Total& t, uint32_t row) {
        t.reals += v.f64[row];
        t.any_real = true;
      });
    }
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) { add_cell(cell_of(v, row), totals_[g], g); });
  }

  void merge(const Sums& other, std::span<const uint32_t> group_map) {
    for (size_t g = 0; g < other.totals_.size(); ++g) {
      const Total& from = other.totals_[g];
      Total& to = totals_[group_map[g]];
      to.whole += from.whole;
      to.reals += from.reals;
      to.values += from.values;
      to.any_real = to.any_real || from.any_real;
    }
    for (size_t g = 0; g < other.decimals_.size(); ++g) add_decimal(other.decimals_[g], 18, group_map[g]);
  }

  const Total& total(uint32_t g) const { return totals_[g]; }
  // Sum of the decimals in units of 10^-18.
  Wide decimals(uint32_t g) const { return g < decimals_.size() ? decimals_[g] : 0; }
  bool any_decimal() const { return !decimals_.empty(); }
  double as_double(uint32_t g) const {
    const Total& t = totals_[g];
    return static_cast<double>(t.whole) + t.reals + static_cast<double>(decimals(g)) / 1e18;
  }
  size_t memory_bytes() const { return totals_.capacity() * sizeof(Total) + decimals_.capacity() * sizeof(Wide); }

 private:
  template <class Add>
  void add_some(const uint8_t* nulls, uint32_t rows, std::span<const uint32_t> groups, Add add) {
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) {
      if (nulls[row] != 0) return;
      add(totals_[g], row);
      ++totals_[g].values;
    });
  }

  void add_integers(const int64_t* v, uint32_t rows, std::span<const uint32_t> groups) {
    if (groups.empty()) {
      // Halves cannot overflow within a block, and the loop needs no carry.
      int64_t high = 0;
      int64_t low = 0;
      for (uint32_t i = 0; i < rows; ++i) {
        high += v[i] >> 32;
        low += v[i] & 0xffffffff;
      }
      totals_[0].whole += (static_cast<Wide>(high) << 32) + low;
      totals_[0].values += rows;
      return;
    }
    for (uint32_t i = 0; i < rows; ++i) {
      Total& t = totals_[groups[i]];
      t.whole += v[i];
      ++t.values;
    }
  }

  void add_reals(const double* v, uint32_t rows, std::span<const uint32_t> groups) {
    if (groups.empty()) {
      double sums[4] = {0, 0, 0, 0};  // four chains of additions run side by side
      uint32_t i = 0;
      for (; i + 4 <= rows; i += 4) {
        sums[0] += v[i];
        sums[1] += v[i + 1];
        sums[2] += v[i + 2];
        sums[3] += v[i + 3];
      }
      for (; i < rows; ++i) sums[0] += v[i];
      totals_[0].reals += (sums[0] + sums[1]) + (sums[2] + sums[3]);
      totals_[0].values += rows;
      totals_[0].any_real = totals_[0].any_real || rows > 0;
      return;
    }
    for (uint32_t i = 0; i < rows; ++i) {
      Total& t = totals_[groups[i]];
      t.reals += v[i];
      ++t.values;
      t.any_real = true;
    }
  }

  void add_decimal(Wide mantissa, uint8_t scale, uint32_t g) {
    if (decimals_.size() <= g) decimals_.resize(std::max<size_t>(totals_.size(), g + 1));
    decimals_[g] += mantissa * kPowersOfTen[kDecimalScaleMax - scale];
  }

  void add_cell(const Cell& cell, Total& t, uint32_t g) {
    if (is_integer(cell.type) || cell.type == Type::kBool) {
      t.whole += cell.i64;
    } else if (cell.type == Type::kULong) {
      t.whole += static_cast<uint64_t>(cell.i64);
    } else if (cell.type == Type::kDecimal) {
      add_decimal(cell.i64, cell.scale, g);
    } else if (cell.type == Type::kArray) {
      for (const model::Value& item : cell.value->items()) add_cell(cell_of(item), t, g);
      return;
    } else if (std::optional<double> v = to_double(cell)) {
      t.reals += *v;
      t.any_real = true;
    } else {
      return;
    }
    ++t.values;
  }

  std::vector<Total> totals_;
  std::vector<Wide> decimals_;
};

class Sum final : public Aggregate {
 public:
  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    sums_.grow(groups_count);
    sums_.add(*args[0], rows, groups);
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    sums_.grow(groups_count);
    sums_.merge(static_cast<const Sum&>(other).sums_, group_map);
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    sums_.grow(groups_count);
    VectorBuilder out;
    for (uint32_t g = 0; g < groups_count; ++g) {
      const Total& t = sums_.total(g);
      if (t.values == 0) {
        out.add_null();
      } else if (t.any_real) {
        out.add_real(sums_.as_double(g));
      } else if (sums_.any_decimal()) {
        add_exact(g, out);
      } else if (t.whole < INT64_MIN || t.whole > INT64_MAX) {
        return evaluation_error("the sum of integers is beyond 64 bits");
      } else {
        out.add_long(static_cast<int64_t>(t.whole));
      }
    }
    return out.finish();
  }

  size_t memory_bytes() const override { return sums_.memory_bytes(); }

 private:
  void add_exact(uint32_t g, VectorBuilder& out) {
    Wide mantissa = sums_.decimals(g);
    uint8_t scale = kDecimalScaleMax;
    while (scale > 0 && mantissa % 10 == 0) {
      mantissa /= 10;
      --scale;
    }
    Wide limit = static_cast<Wide>(INT64_MAX);
    Wide whole = sums_.total(g).whole;
    Wide scaled = whole < limit && whole > -limit ? whole * kPowersOfTen[scale] + mantissa : limit + 1;
    if (scaled > limit || scaled < -limit) {
      out.add_real(sums_.as_double(g));
    } else {
      out.add_decimal(static_cast<int64_t>(scaled), scale);
    }
  }

  Sums sums_;
};

class Average final : public Aggregate {
 public:
  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    sums_.grow(groups_count);
    sums_.add(*args[0], rows, groups);
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    sums_.grow(groups_count);
    sums_.merge(static_cast<const Average&>(other).sums_, group_map);
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    sums_.grow(groups_count);
    VectorBuilder out;
    for (uint32_t g = 0; g < groups_count; ++g) {
      int64_t values = sums_.total(g).values;
      if (values == 0) {
        out.add_null();
      } else {
        out.add_real(sums_.as_double(g) / static_cast<double>(values));
      }
    }
    return out.finish();
  }

  size_t memory_bytes() const override { return sums_.memory_bytes(); }

 private:
  Sums sums_;
};

// Welford's running mean and sum of squared distances; two states join by Chan's formula.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;

  void add(double x) {
    count += 1;
    double from_old = x - mean;
    mean += from_old / count;
    squares += from_old * (x - mean);
  }
  void add(const Moments& other) {
    if (other.count == 0) return;
    double total = count + other.count;
    double apart = other.mean - mean;
    squares += other.squares + apart * apart * count * other.count / total;
    mean += apart * other.count / total;
    count = total;
  }
};

class SpreadState final : public Aggregate {
 public:
  explicit SpreadState(Spread spread) : spread_(spread) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    const Vector& v = *args[0];
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) { add(cell_of(v, row), groups_[g]); });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const SpreadState&>(other);
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for (size_t g = 0; g < from.groups_.size(); ++g) groups_[group_map[g]].add(from.groups_[g]);
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    groups_.resize(groups_count);
    bool sample = spread_ == Spread::kVarianceSample || spread_ == Spread::kDeviationSample;
    bool root = spread_ == Spread::kDeviationSample || spread_ == Spread::kDeviationPopulation;
    VectorBuilder out;
    for (const Moments& m : groups_) {
      double divisor = sample ? m.count - 1 : m.count;
      if (divisor <= 0) {
        out.add_null();
      } else {
        double variance = m.squares / divisor;
        out.add_real(root ? std::sqrt(variance) : variance);
      }
    }
    return out.finish();
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(Moments); }

 private:
  static void add(const Cell& cell, Moments& moments) {
    if (cell.type == Type::kArray) {
      for (const model::Value& item : cell.value->items()) add(cell_of(item), moments);
    } else if (std::optional<double> x = to_double(cell)) {
      moments.add(*x);
    }
  }

  Spread spread_;
  std::vector<Moments> groups_;
};

}  // namespace

std::unique_ptr<Aggregate> make_count() { return std::make_unique<Count>(false); }
std::unique_ptr<Aggregate> make_count_if() { return std::make_unique<Count>(true); }
std::unique_ptr<Aggregate> make_sum() { return std::make_unique<Sum>(); }
std::unique_ptr<Aggregate> make_average() { return std::make_unique<Average>(); }
std::unique_ptr<Aggregate> make_spread(Spread spread) { return std::make_unique<SpreadState>(spread); }

}  // namespace clew::expr
