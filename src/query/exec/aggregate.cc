#include "query/exec/aggregate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "expr/coerce.h"
#include "query/exec/group.h"
#include "query/exec/order.h"

namespace clew::query::exec {

using model::VectorPtr;

namespace {

bool counts_all_rows(const AggregateCall& call) { return call.bound.name == "count" && call.bound.args.empty(); }

class AggregateOperator final : public Operator {
 public:
  AggregateOperator(const std::vector<GroupKey>& keys, const std::vector<AggregateCall>& calls,
                    const std::optional<SeriesFold>& fold, Run& run)
      : keys_(keys), calls_(calls), fold_(fold), run_(run), grouper_(keys.size()), held_(run) {
    for (const AggregateCall& call : calls) {
      states_.push_back(counts_all_rows(call) ? nullptr : expr::make_aggregate(call.bound));
      counting_ = counting_ || states_.back() == nullptr;
      counts_only_ = counts_only_ && states_.back() == nullptr;
    }
  }

  Status push(Block block) override {
    block = CLEW_TRY(without_null_keys(std::move(block)));
    if (block.rows == 0) return {};
    fresh_ = false;
    if (count_codes(block)) return account();
    flush_codes();
    assign(block);
    if (counting_) count_rows(block.rows);
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (states_[i] != nullptr) CLEW_TRY(update(i, block));
    }
    return account();
  }

  Status absorb(Operator& other) override {
    auto& from = static_cast<AggregateOperator&>(other);
    from.flush_codes();
    flush_codes();
    if (fresh_) return take_over(from);
    std::vector<uint32_t> map = keys_.empty() ? std::vector<uint32_t>{0} : grouper_.absorb(from.grouper_);
    if (keys_.empty()) from.counts_.resize(1);
    if (counting_) {
      counts_.resize(groups());
      for (size_t g = 0; g < from.counts_.size(); ++g) counts_[map[g]] += from.counts_[g];
    }
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (states_[i] != nullptr) CLEW_TRY(states_[i]->merge(*from.states_[i], map, groups()));
    }
    from.states_.clear();
    CLEW_TRY(from.held_.set(0));
    return account();
  }

  Status add(const std::vector<VectorPtr>& keys, const std::vector<uint64_t>& counts) {
    Block block;
    block.rows = static_cast<uint32_t>(counts.size());
    model::Vector column;
    column.type = model::Type::kLong;
    column.layout = model::Layout::kFlat;
    column.size = block.rows;
    column.i64.assign(counts.begin(), counts.end());
    Slot counts_slot = 0;
    for (size_t k = 0; k < keys_.size(); ++k) {
      block.set(keys_[k].in, keys[k]);
      counts_slot = std::max(counts_slot, keys_[k].in + 1);
    }
    block.set(counts_slot, std::make_shared<const model::Vector>(std::move(column)));
    block = CLEW_TRY(without_null_keys(std::move(block)));
    if (block.rows == 0) return {};
    fresh_ = false;
    flush_codes();
    group_of_row_.assign(block.rows, 0);
    assign(block);
    counts_.resize(groups());
    const model::Vector& kept = *block.slots[counts_slot];
    for (uint32_t row = 0; row < block.rows; ++row) {
      counts_[group_of_row_[row]] += static_cast<uint64_t>(kept.value(row).i64());
    }
    return account();
  }

  void expect_first(std::vector<SortKey> keys, uint64_t limit) {
    first_keys_ = std::move(keys);
    first_limit_ = limit;
  }

  Status finish() override {
    flush_codes();
    CLEW_TRY(account());
    if (fold_) CLEW_TRY(fold_series());
    std::vector<VectorPtr> results = CLEW_TRY(results_by_group());
    Block all = block_of(results, first_groups(results));
    model::Selection order = sorted_groups(all);
    size_t most = run_.options().block_rows;
    for (size_t at = 0; at < order.size() && next_->wants_more(); at += most) {
      CLEW_TRY(run_.check());
      std::vector<RowRef> rows;
      for (size_t i = at; i < std::min(order.size(), at + most); ++i) rows.push_back({0, order[i]});
      CLEW_TRY(next_->push(gather(std::span<const Block>(&all, 1), rows)));
    }
    return next_->finish();
  }

  bool wants_more() const override { return true; }

 private:
  uint32_t groups() const { return keys_.empty() ? 1 : grouper_.groups(); }

  // The state of the first copy, as it is.
  Status take_over(AggregateOperator& from) {
    fresh_ = from.fresh_;
    grouper_ = std::move(from.grouper_);
    counts_ = std::move(from.counts_);
    states_ = std::move(from.states_);
    from.states_.clear();
    CLEW_TRY(from.held_.set(0));
    return account();
  }

  Result<Block> without_null_keys(Block block) const {
    bool any = false;
    for (const GroupKey& key : keys_) any = any || (key.drop_null && column(block, key.in)->has_nulls());
    if (!any) return block;
    model::Selection kept;
    for (uint32_t row = 0; row < block.rows; ++row) {
      bool keep = true;
      for (const GroupKey& key : keys_) keep = keep && !(key.drop_null && column(block, key.in)->is_null(row));
      if (keep) kept.push_back(row);
    }
    return gather(block, kept);
  }

  static VectorPtr column(const Block& block, Slot slot) {
    bool there = slot < block.slots.size() && block.slots[slot] != nullptr;
    return there ? block.slots[slot] : null_vector(block.rows);
  }

  void assign(const Block& block) {
    if (keys_.empty()) return;
    std::vector<VectorPtr> columns;
    for (const GroupKey& key : keys_) columns.push_back(column(block, key.in));
    grouper_.assign(columns, block.rows, group_of_row_);
  }

  // Counts of rows by one dictionary-coded key: codes are counted while blocks have the same dictionary, then looked up
  // once each.
  bool count_codes(const Block& block) {
    constexpr uint32_t kEntriesOfARow = 4;  // beyond so many it is not worth to look through them
    if (keys_.size() != 1 || !counts_only_) return false;
    VectorPtr key = column(block, keys_[0].in);
    if (key->layout != model::Layout::kDict || !key->nulls.empty()) return false;
    if (key->dict != counted_dict_) {
      if (key->dict->size > block.rows * kEntriesOfARow) return false;
      flush_codes();
      counted_dict_ = key->dict;
      code_counts_.assign(size_t{key->dict->size} * tables_of(key->dict->size), 0);
    }
    count_each(key->codes, key->dict->size);
    return true;
  }

  // Neighbours are often equal where there are few codes: they are counted apart, as adding twice to one place in a row
  // is slow.
  static constexpr uint32_t kTables = 4;
  static constexpr uint32_t kTablesEntriesMax = 512;
  static uint32_t tables_of(uint32_t size) { return size > kTablesEntriesMax ? 1 : kTables; }

  void count_each(const std::vector<uint32_t>& codes, uint32_t size) {
    uint64_t* counts = code_counts_.data();
    if (tables_of(size) == 1) {
      for (uint32_t code : codes) ++counts[code];
      return;
    }
    size_t row = 0;
    for (; row + kTables <= codes.size(); row += kTables) {
      for (uint32_t i = 0; i < kTables; ++i) ++counts[i * size + codes[row + i]];
    }
    for (; row < codes.size(); ++row) ++counts[codes[row]];
  }

  // Gives the groups what was counted by code.
  void flush_codes() {
    if (counted_dict_ == nullptr) return;
    uint32_t size = counted_dict_->size;
    model::Vector distinct;
    std::vector<uint64_t> rows;
    for (uint32_t code = 0; code < size; ++code) {
      uint64_t count = 0;
      for (uint32_t i = 0; i < tables_of(size); ++i) count += code_counts_[i * size + code];
      if (count == 0) continue;
      distinct.codes.push_back(code);
      rows.push_back(count);
    }
    distinct.type = counted_dict_->type;
    distinct.layout = model::Layout::kDict;
    distinct.size = static_cast<uint32_t>(rows.size());
    distinct.dict = std::exchange(counted_dict_, nullptr);
    grouper_.assign({std::make_shared<const model::Vector>(std::move(distinct))}, static_cast<uint32_t>(rows.size()),
                    group_of_row_);
    counts_.resize(groups());
    for (size_t i = 0; i < rows.size(); ++i) counts_[group_of_row_[i]] += rows[i];
  }

  void count_rows(uint32_t rows) {
    counts_.resize(groups());
    if (keys_.empty()) {
      counts_[0] += rows;
      return;
    }
    for (uint32_t row = 0; row < rows; ++row) ++counts_[group_of_row_[row]];
  }

  Status update(size_t i, const Block& block) {
    BlockInputs inputs(block);
    std::vector<VectorPtr> args;
    for (const expr::BoundPtr& arg : calls_[i].bound.args) {
      VectorPtr vector = CLEW_TRY(evaluator_.eval(*arg, inputs));
      args.push_back(std::move(vector));
    }
    std::span<const uint32_t> groups_of_rows;
    if (!keys_.empty()) groups_of_rows = group_of_row_;
    return states_[i]->update(args, block.rows, groups_of_rows, groups());
  }

  Status account() {
    if (groups() > run_.options().groups_max) {
      return Error(Code::kLimit, fmt::format("more than {} groups", run_.options().groups_max));
    }
    uint64_t bytes = grouper_.memory_bytes() + counts_.size() * sizeof(uint64_t);
    for (const auto& state : states_) bytes += state == nullptr ? 0 : state->memory_bytes();
    return held_.set(bytes);
  }

  // Result of the one aggregate by group, its state left as it is.
  Result<VectorPtr> peek() {
    counts_.resize(groups());
    if (states_[0] == nullptr) return counts_vector();
    std::unique_ptr<expr::Aggregate> copy = expr::make_aggregate(calls_[0].bound);
    CLEW_TRY(copy->merge(*states_[0], expr::all_rows(groups()), groups()));
    return copy->finish(groups());
  }

  // By value number of the series' key: the greatness of each series, the sum of its results.
  std::vector<std::pair<double, model::Value>> ranked_series(const model::Vector& results,
                                                             const std::vector<model::Value>& series) const {
    absl::flat_hash_map<std::string, size_t> place;
    std::vector<std::pair<double, model::Value>> out;
    for (uint32_t g = 0; g < groups(); ++g) {
      if (series[g].is_null()) continue;
      std::string key;
      append_key(*vector_of({series[g]}), 0, key);
      auto [it, fresh] = place.try_emplace(std::move(key), out.size());
      if (fresh) out.emplace_back(0, series[g]);
      // What is no number makes no series greater.
      expr::Cell result = expr::cell_of(results, g);
      std::optional<double> size = expr::is_number(result.type) ? expr::to_double(result) : std::nullopt;
      if (size && !std::isnan(*size)) out[it->second].first += *size;
    }
    std::stable_sort(out.begin(), out.end(), [&](const auto& a, const auto& b) {
      if (a.first != b.first) return fold_->least ? a.first < b.first : a.first > b.first;
      return compare(a.second, b.second) < 0;
    });
    return out;
  }

  // The value that a group's series goes by from now on; none when its rows go.
  std::vector<std::optional<model::Value>> new_series(
      const std::vector<model::Value>& series, const std::vector<std::pair<double, model::Value>>& ranked) const {
    size_t stay = fold_->limit == 0 ? ranked.size() : std::min<size_t>(ranked.size(), fold_->limit);
    std::vector<std::optional<model::Value>> out;
    for (const model::Value& value : series) {
      if (value.is_null()) {
        out.push_back(fold_->keep_null ? std::optional(model::Value::string(fold_->null)) : std::nullopt);
        continue;
      }
      bool stays = std::any_of(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(stay),
                               [&](const auto& r) { return compare(r.second, value) == 0; });
      if (stays)
        out.push_back(value);
      else
        out.push_back(fold_->keep_other ? std::optional(model::Value::string(fold_->other)) : std::nullopt);
    }
    return out;
  }

  Status fold_series() {
    VectorPtr results = CLEW_TRY(peek());
    std::vector<model::Value> series = grouper_.key_values(fold_->key);
    std::vector<std::optional<model::Value>> names = new_series(series, ranked_series(*results, series));
    // Groups that go share one more group at the end, which is then left out.
    std::vector<VectorPtr> keys;
    std::vector<uint32_t> kept;
    for (uint32_t g = 0; g < groups(); ++g) {
      if (names[g]) kept.push_back(g);
    }
    for (size_t k = 0; k < keys_.size(); ++k) {
      std::vector<model::Value> all = grouper_.key_values(k);
      std::vector<model::Value> values;
      for (uint32_t g : kept) values.push_back(k == fold_->key ? *names[g] : all[g]);
      keys.push_back(vector_of(values));
    }
    Grouper folded(keys_.size());
    std::vector<uint32_t> map_kept;
    folded.assign(keys, static_cast<uint32_t>(kept.size()), map_kept);
    gone_ = folded.groups();
    std::vector<uint32_t> map(groups(), gone_);
    for (size_t i = 0; i < kept.size(); ++i) map[kept[i]] = map_kept[i];
    return take_folded(std::move(folded), map);
  }

  Status take_folded(Grouper folded, const std::vector<uint32_t>& map) {
    uint32_t count = folded.groups() + 1;
    std::vector<uint64_t> counts(count);
    for (size_t g = 0; g < map.size() && g < counts_.size(); ++g) counts[map[g]] += counts_[g];
    if (states_[0] != nullptr) {
      std::unique_ptr<expr::Aggregate> merged = expr::make_aggregate(calls_[0].bound);
      CLEW_TRY(merged->merge(*states_[0], map, count));
      states_[0] = std::move(merged);
      folded_state_ = true;
    }
    counts_ = std::move(counts);
    grouper_ = std::move(folded);
    return {};
  }

  Result<std::vector<VectorPtr>> results_by_group() {
    uint32_t count = groups();
    counts_.resize(count);
    std::vector<VectorPtr> out;
    for (size_t i = 0; i < calls_.size(); ++i) {
      VectorPtr vector;
      if (states_[i] == nullptr) {
        vector = counts_vector();
      } else {
        vector = CLEW_TRY(states_[i]->finish(folded_state_ ? count + 1 : count));
        if (folded_state_) vector = expr::gather(vector, expr::all_rows(count));
      }
      out.push_back(std::move(vector));
    }
    return out;
  }

  // Keys and results of the groups chosen.
  Block block_of(const std::vector<VectorPtr>& results, const model::Selection& chosen) const {
    Block out;
    out.rows = static_cast<uint32_t>(chosen.size());
    for (size_t k = 0; k < keys_.size(); ++k) out.set(keys_[k].out, grouper_.key_column(k, chosen));
    bool all = out.rows == groups();
    for (size_t i = 0; i < calls_.size(); ++i) {
      out.set(calls_[i].out, all ? results[i] : expr::gather(results[i], chosen));
    }
    return out;
  }

  // The groups that may be among the first that are asked for.
  model::Selection first_groups(const std::vector<VectorPtr>& results) const {
    model::Selection sure;  // before all that are still in question
    model::Selection open = expr::all_rows(groups());
    auto cut = [&](VectorPtr column, bool descending, SortAs as) {
      if (sure.size() + open.size() > first_limit_) cut_open(*column, descending, as, sure, open);
    };
    for (const SortKey& key : first_keys_) {
      VectorPtr column = output_of(key.slot, results, open);
      if (column == nullptr) break;
      cut(std::move(column), key.descending, key.as);
    }
    for (size_t k = 0; k < keys_.size() && sure.size() + open.size() > first_limit_; ++k) {
      cut(grouper_.key_column(k, open), false, SortAs::kAuto);
    }
    sure.insert(sure.end(), open.begin(), open.end());
    std::sort(sure.begin(), sure.end());
    return sure;
  }

  VectorPtr output_of(Slot slot, const std::vector<VectorPtr>& results, const model::Selection& rows) const {
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i].out == slot) return rows.size() == groups() ? results[i] : expr::gather(results[i], rows);
    }
    for (size_t k = 0; k < keys_.size(); ++k) {
      if (keys_[k].out == slot) return grouper_.key_column(k, rows);
    }
    return nullptr;
  }

  // Moves the open groups that come before the last one wanted into `sure`, and those behind it out; what is equal to
  // it stays open.  Requires: more are there than wanted.
  void cut_open(const model::Vector& column, bool descending, SortAs as, model::Selection& sure,
                model::Selection& open) const {
    size_t last = static_cast<size_t>(first_limit_) - sure.size() - 1;
    auto split = [&](const auto& values, auto before) {
      auto ranked = values;
      std::nth_element(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(last), ranked.end(), before);
      const auto& edge = ranked[last];
      model::Selection equal;
      for (size_t i = 0; i < open.size(); ++i) {
        if (before(values[i], edge))
          sure.push_back(open[i]);
        else if (!before(edge, values[i]))
          equal.push_back(open[i]);
      }
      open = std::move(equal);
    };
    bool lane = column.layout == model::Layout::kFlat && column.nulls.empty() && as == SortAs::kAuto &&
                (column.type == model::Type::kLong || column.type == model::Type::kTimestamp);
    if (lane) {
      split(column.i64, [&](int64_t a, int64_t b) { return descending ? a > b : a < b; });
      return;
    }
    std::vector<SortCell> cells;
    std::vector<std::shared_ptr<const std::string>> texts;
    sort_cells(column, as, cells, texts);
    split(cells, [&](const SortCell& a, const SortCell& b) {
      int c = compare(a, b);
      return descending ? c > 0 : c < 0;
    });
  }

  VectorPtr counts_vector() const {
    model::Vector out;
    out.type = model::Type::kLong;
    out.layout = model::Layout::kFlat;
    out.size = groups();
    for (uint64_t count : counts_) out.i64.push_back(static_cast<int64_t>(count));
    return std::make_shared<const model::Vector>(std::move(out));
  }

  model::Selection sorted_groups(const Block& all) const {
    std::vector<std::vector<SortCell>> cells(keys_.size());
    std::vector<std::shared_ptr<const std::string>> texts;
    for (size_t k = 0; k < keys_.size(); ++k) sort_cells(*all.slots[keys_[k].out], SortAs::kAuto, cells[k], texts);
    model::Selection order = expr::all_rows(all.rows);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      for (const auto& column : cells) {
        if (int c = compare(column[a], column[b]); c != 0) return c < 0;
      }
      return a < b;
    });
    return order;
  }

  const std::vector<GroupKey>& keys_;
  const std::vector<AggregateCall>& calls_;
  const std::optional<SeriesFold>& fold_;
  Run& run_;
  Grouper grouper_;
  std::vector<std::unique_ptr<expr::Aggregate>> states_;  // null: count() of rows
  bool fresh_ = true;                                     // no row has come
  bool counting_ = false;                                 // some call is count() of rows
  bool counts_only_ = true;                               // all calls are
  VectorPtr counted_dict_;                                // rows by its codes are not in the groups yet
  std::vector<uint64_t> code_counts_;                     // those, kTables times when there are few codes
  std::vector<uint64_t> counts_;                          // rows by group
  std::vector<uint32_t> group_of_row_;
  expr::Evaluator evaluator_;
  Held held_;
  std::vector<SortKey> first_keys_;
  uint64_t first_limit_ = UINT64_MAX;
  uint32_t gone_ = 0;
  bool folded_state_ = false;  // the state has one more group, of rows that go
};

}  // namespace

AggregateStep::AggregateStep(std::vector<GroupKey> keys, std::vector<AggregateCall> calls, std::string name,
                             std::string text)
    : keys_(std::move(keys)), calls_(std::move(calls)), name_(std::move(name)), text_(std::move(text)) {
  for (const AggregateCall& call : calls_) ordered_ = ordered_ || call.bound.order_sensitive;
}

std::unique_ptr<Operator> AggregateStep::start(Run& run) const {
  return std::make_unique<AggregateOperator>(keys_, calls_, fold_, run);
}

void AggregateStep::reads(std::vector<Slot>& out) const {
  for (const GroupKey& key : keys_) out.push_back(key.in);
  for (const AggregateCall& call : calls_) {
    for (const expr::BoundPtr& arg : call.bound.args) {
      for (uint32_t slot : expr::slots_of(*arg)) out.push_back(slot);
    }
  }
}

bool AggregateStep::split_freely() const {
  return std::all_of(calls_.begin(), calls_.end(), [](const AggregateCall& call) {
    const std::string& name = call.bound.name;
    if (name == "count" || name == "count if") return true;
    // Of equal values of several types min and max keep the first; sums of integers are exact.
    bool by_type = name == "sum" || name == "avg" || name == "mean" || name == "min" || name == "max";
    if (by_type) return expr::is_integer(call.bound.args[0]->type);
    return name == "dc" || name == "distinct_count" || name == "distinct_count_approx" || name == "estdc";
  });
}

bool AggregateStep::counts_rows() const { return std::all_of(calls_.begin(), calls_.end(), counts_all_rows); }

Status add_counts(Operator& target, const std::vector<VectorPtr>& keys, const std::vector<uint64_t>& counts) {
  return static_cast<AggregateOperator&>(target).add(keys, counts);
}

void expect_first(Operator& target, std::vector<SortKey> keys, uint64_t limit) {
  static_cast<AggregateOperator&>(target).expect_first(std::move(keys), limit);
}

}  // namespace clew::query::exec
