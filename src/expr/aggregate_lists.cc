// Aggregates that keep values: values, list, take, first, last, earliest, latest, mode.
#include <algorithm>
#include <map>
#include <set>

#include "expr/aggregate_states.h"
#include "expr/builder.h"
#include "expr/coerce.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;
using model::Values;
using model::Vector;
using model::VectorPtr;

constexpr size_t kNodeBytes = 64;  // about what a set or map adds to each of its values

size_t bytes_of(const Cell& cell) { return sizeof(Value) + sizeof(uint64_t) + cell.text.size(); }

// Calls f(cell, group) for each value that is not null; of arrays for each element.
template <class F>
void for_values(const Vector& v, uint32_t rows, std::span<const uint32_t> groups, F f) {
  for_rows(rows, groups, [&](uint32_t row, uint32_t g) {
    Cell cell = cell_of(v, row);
    if (cell.type == Type::kArray) {
      for (const Value& item : cell.value->items()) {
        if (!item.is_null()) f(cell_of(item), g);
      }
    } else if (!cell.is_null()) {
      f(cell, g);
    }
  });
}

class DistinctValues final : public Aggregate {
 public:
  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for_values(*args[0], rows, groups, [&](const Cell& cell, uint32_t g) {
      if (is_text(cell.type)) {
        add(cell.text, g);
      } else {
        add(print_value(value_of(cell)), g);
      }
    });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const DistinctValues&>(other);
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for (size_t g = 0; g < from.groups_.size(); ++g) {
      for (const std::string& text : from.groups_[g]) add(text, group_map[g]);
    }
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    groups_.resize(groups_count);
    VectorBuilder out;
    for (const auto& texts : groups_) {
      Values items;
      for (const std::string& text : texts) items.push_back(Value::string(text));
      out.add_value(Value::array(std::move(items)));
    }
    return out.finish();
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(groups_[0]) + bytes_; }

 private:
  void add(std::string_view text, uint32_t g) {
    auto& texts = groups_[g];
    if (texts.find(text) != texts.end()) return;
    texts.emplace(text);
    bytes_ += kNodeBytes + text.size();
  }

  std::vector<std::set<std::string, std::less<>>> groups_;
  size_t bytes_ = 0;
};

class List final : public Aggregate {
 public:
  List(int64_t limit, bool texts) : limit_(limit == 0 ? SIZE_MAX : static_cast<size_t>(limit)), texts_(texts) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for_values(*args[0], rows, groups, [&](const Cell& cell, uint32_t g) {
      uint64_t place = places_++;
      if (groups_[g].size() >= limit_) return;
      bool convert = texts_ && !is_text(cell.type) && !is_nested(cell.type);
      groups_[g].push_back({place, convert ? Value::string(print_value(value_of(cell))) : value_of(cell)});
      bytes_ += bytes_of(cell);
    });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const List&>(other);
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for (size_t g = 0; g < from.groups_.size(); ++g) {
      for (const Placed& placed : from.groups_[g])
        groups_[group_map[g]].push_back({places_ + placed.place, placed.value});
    }
    places_ += from.places_;
    for (size_t g = 0; g < from.groups_.size(); ++g) put_in_order(groups_[group_map[g]]);
    bytes_ += from.bytes_;
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    groups_.resize(groups_count);
    VectorBuilder out;
    for (std::vector<Placed>& placed : groups_) {
      Values values;
      values.reserve(placed.size());
      for (Placed& each : placed) values.push_back(std::move(each.value));
      out.add_value(Value::array(std::move(values)));
    }
    groups_.clear();
    return out.finish();
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(groups_[0]) + bytes_; }

 private:
  struct Placed {
    uint64_t place = 0;  // among all values
    Value value;
  };

  // Groups that become one meet in row order.
  void put_in_order(std::vector<Placed>& values) const {
    auto before = [](const Placed& a, const Placed& b) { return a.place < b.place; };
    if (!std::is_sorted(values.begin(), values.end(), before)) std::sort(values.begin(), values.end(), before);
    if (values.size() > limit_) values.resize(limit_);
  }

  size_t limit_;
  bool texts_;
  std::vector<std::vector<Placed>> groups_;
  uint64_t places_ = 0;
  size_t bytes_ = 0;
};

class Edge final : public Aggregate {
 public:
  explicit Edge(bool last) : last_(last) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    const Vector& v = *args[0];
    for_rows(rows, groups, [&](uint32_t row, uint32_t g) {
      if (last_ || groups_[g].value.is_null()) offer(cell_of(v, row), rows_ + row, g);
    });
    rows_ += rows;
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const Edge&>(other);
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for (size_t g = 0; g < from.groups_.size(); ++g) {
      offer(cell_of(from.groups_[g].value), rows_ + from.groups_[g].row, group_map[g]);
    }
    rows_ += from.rows_;
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    groups_.resize(groups_count);
    VectorBuilder out;
    for (const State& state : groups_) out.add(cell_of(state.value));
    return out.finish();
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(State) + bytes_; }

 private:
  struct State {
    Value value;
    uint64_t row = 0;
  };

  void offer(const Cell& cell, uint64_t row, uint32_t g) {
    State& state = groups_[g];
    if (cell.is_null() || (!state.value.is_null() && (row > state.row) != last_)) return;
    if (state.value.is_null()) bytes_ += cell.text.size();
    state = {value_of(cell), row};
  }

  bool last_;
  std::vector<State> groups_;
  uint64_t rows_ = 0;
  size_t bytes_ = 0;
};

// The value beside the smallest or largest time; of equal times the first row's, or the last row's.
class ByTime final : public Aggregate {
 public:
  explicit ByTime(bool latest) : latest_(latest) {}

  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    const Vector& values = *args[0];
    const Vector& times = *args[1];
    for_rows(rows, groups,
             [&](uint32_t row, uint32_t g) { offer(cell_of(values, row), cell_of(times, row), rows_ + row, g); });
    rows_ += rows;
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const ByTime&>(other);
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for (size_t g = 0; g < from.groups_.size(); ++g) {
      const State& state = from.groups_[g];
      offer(cell_of(state.value), cell_of(state.time), rows_ + state.row, group_map[g]);
    }
    rows_ += from.rows_;
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    groups_.resize(groups_count);
    VectorBuilder out;
    for (const State& state : groups_) out.add(cell_of(state.value));
    return out.finish();
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(State) + bytes_; }

 private:
  struct State {
    Value value;
    Value time;
    uint64_t row = 0;
  };

  void offer(const Cell& value, const Cell& time, uint64_t row, uint32_t g) {
    if (value.is_null() || time.is_null()) return;
    State& state = groups_[g];
    if (!state.time.is_null()) {
      int order = total_order(time, cell_of(state.time));
      if (order == 0) order = row < state.row ? -1 : 1;
      if (latest_ ? order < 0 : order > 0) return;
    } else {
      bytes_ += value.text.size() + time.text.size();
    }
    state.value = value_of(value);
    state.time = value_of(time);
    state.row = row;
  }

  bool latest_;
  std::vector<State> groups_;
  uint64_t rows_ = 0;
  size_t bytes_ = 0;
};

struct CellLess {
  bool operator()(const Value& a, const Value& b) const { return total_order(cell_of(a), cell_of(b)) < 0; }
};

// The most frequent value; of several the smallest.
class Mode final : public Aggregate {
 public:
  Status update(std::span<const VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                uint32_t groups_count) override {
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for_values(*args[0], rows, groups, [&](const Cell& cell, uint32_t g) { add(value_of(cell), 1, g); });
    return {};
  }

  Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) override {
    const auto& from = static_cast<const Mode&>(other);
    groups_.resize(std::max<size_t>(groups_.size(), groups_count));
    for (size_t g = 0; g < from.groups_.size(); ++g) {
      for (const auto& [value, count] : from.groups_[g]) add(value, count, group_map[g]);
    }
    return {};
  }

  Result<VectorPtr> finish(uint32_t groups_count) override {
    groups_.resize(groups_count);
    VectorBuilder out;
    for (const auto& counts : groups_) {
      auto best = std::max_element(counts.begin(), counts.end(),
                                   [](const auto& a, const auto& b) { return a.second < b.second; });
      if (best == counts.end()) {
        out.add_null();
      } else {
        out.add(cell_of(best->first));
      }
    }
    return out.finish();
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(groups_[0]) + bytes_; }

 private:
  void add(const Value& value, uint64_t count, uint32_t g) {
    auto [at, fresh] = groups_[g].try_emplace(value, 0);
    at->second += count;
    if (fresh) bytes_ += kNodeBytes + bytes_of(cell_of(value));
  }

  std::vector<std::map<Value, uint64_t, CellLess>> groups_;
  size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Aggregate> make_values() { return std::make_unique<DistinctValues>(); }
std::unique_ptr<Aggregate> make_list(int64_t limit, bool texts) { return std::make_unique<List>(limit, texts); }
std::unique_ptr<Aggregate> make_edge(bool last) { return std::make_unique<Edge>(last); }
std::unique_ptr<Aggregate> make_by_time(bool latest) { return std::make_unique<ByTime>(latest); }
std::unique_ptr<Aggregate> make_mode() { return std::make_unique<Mode>(); }

}  // namespace clew::expr
