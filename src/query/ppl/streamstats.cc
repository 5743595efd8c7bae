#include "query/ppl/streamstats.h"

#include <deque>

#include "query/exec/group.h"
#include "query/ppl/grouping.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kWindowMax = 10'000;

struct Options {
  bool current = true;
  bool global = true;  // the window is over all rows, not over those of the group
  int64_t window = 0;  // 0: everything before
  bool keep_null_groups = true;
};

using Args = std::vector<model::VectorPtr>;

// Running aggregates of one group, or a window of its rows.
class StreamOperator final : public exec::Operator {
 public:
  StreamOperator(const std::vector<exec::GroupKey>& keys, const std::vector<exec::AggregateCall>& calls,
                 const Options& options, exec::Run& run)
      : keys_(keys), calls_(calls), options_(options), grouper_(keys.size()), run_(run), held_(run) {}

  Status push(exec::Block block) override {
    CLEW_TRY(run_.check());
    std::vector<uint32_t> groups(block.rows, 0);
    if (!keys_.empty()) {
      std::vector<model::VectorPtr> columns;
      for (const exec::GroupKey& key : keys_) columns.push_back(column(block, key.in));
      grouper_.assign(columns, block.rows, groups);
    }
    exec::BlockInputs inputs(block);
    std::vector<Args> args(calls_.size());
    for (size_t i = 0; i < calls_.size(); ++i) {
      for (const expr::BoundPtr& arg : calls_[i].bound.args) {
        model::VectorPtr vector = CLEW_TRY(evaluator_.eval(*arg, inputs));
        args[i].push_back(std::move(vector));
      }
    }
    std::vector<std::vector<model::Value>> results(calls_.size(), std::vector<model::Value>(block.rows));
    for (uint32_t row = 0; row < block.rows; ++row) {
      if (!dropped(block, row)) CLEW_TRY(take_row(args, row, groups[row], results));
    }
    for (size_t i = 0; i < calls_.size(); ++i) block.set(calls_[i].out, exec::vector_of(results[i]));
    CLEW_TRY(held_.set(grouper_.memory_bytes() + window_.size() * calls_.size() * sizeof(model::Value)));
    return next_->push(std::move(block));
  }

 private:
  struct WindowRow {
    uint32_t group = 0;
    std::vector<Args> args;  // by call, one row each
  };

  static model::VectorPtr column(const exec::Block& block, Slot slot) {
    return block.find(slot) == nullptr ? exec::null_vector(block.rows) : block.at(slot);
  }

  bool dropped(const exec::Block& block, uint32_t row) const {
    for (const exec::GroupKey& key : keys_) {
      if (key.drop_null && column(block, key.in)->is_null(row)) return true;
    }
    return false;
  }

  static std::vector<Args> one_row(const std::vector<Args>& args, uint32_t row) {
    std::vector<Args> out(args.size());
    for (size_t i = 0; i < args.size(); ++i) {
      for (const model::VectorPtr& arg : args[i]) out[i].push_back(expr::gather(arg, {row}));
    }
    return out;
  }

  Status take_row(const std::vector<Args>& args, uint32_t row, uint32_t group,
                  std::vector<std::vector<model::Value>>& results) {
    std::vector<Args> own = one_row(args, row);
    if (options_.current) CLEW_TRY(add(own, group));
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (options_.window == 0)
        results[i][row] = CLEW_TRY(running(i, group));
      else
        results[i][row] = CLEW_TRY(windowed(i, group));
    }
    if (!options_.current) CLEW_TRY(add(own, group));
    return {};
  }

  Status add(const std::vector<Args>& own, uint32_t group) {
    if (options_.window == 0) return add_running(own, group);
    window_.push_back({group, own});
    auto limit = static_cast<size_t>(options_.window);
    if (options_.global) {
      if (window_.size() > limit) window_.pop_front();
      return {};
    }
    size_t of_group = 0;
    for (const WindowRow& row : window_) of_group += row.group == group ? 1 : 0;
    if (of_group <= limit) return {};
    for (auto it = window_.begin(); it != window_.end(); ++it) {
      if (it->group != group) continue;
      window_.erase(it);
      break;
    }
    return {};
  }

  Status add_running(const std::vector<Args>& own, uint32_t group) {
    while (states_.size() <= group) {
      states_.emplace_back();
      for (const exec::AggregateCall& call : calls_) states_.back().push_back(expr::make_aggregate(call.bound));
    }
    for (size_t i = 0; i < calls_.size(); ++i) CLEW_TRY(states_[group][i]->update(own[i], 1, {}, 1));
    return {};
  }

  Result<model::Value> result_of(expr::Aggregate& state) {
    model::VectorPtr vector = CLEW_TRY(state.finish(1));
    return vector->value(0);
  }

  Result<model::Value> running(size_t call, uint32_t group) {
    std::unique_ptr<expr::Aggregate> copy = expr::make_aggregate(calls_[call].bound);
    std::vector<uint32_t> same = {0};
    // With no row before, a count is 0 and everything else null.
    if (group < states_.size()) CLEW_TRY(copy->merge(*states_[group][call], same, 1));
    return result_of(*copy);
  }

  Result<model::Value> windowed(size_t call, uint32_t group) {
    std::unique_ptr<expr::Aggregate> state = expr::make_aggregate(calls_[call].bound);
    for (const WindowRow& row : window_) {
      if (row.group == group) CLEW_TRY(state->update(row.args[call], 1, {}, 1));
    }
    return result_of(*state);
  }

  const std::vector<exec::GroupKey>& keys_;
  const std::vector<exec::AggregateCall>& calls_;
  const Options& options_;
  exec::Grouper grouper_;
  exec::Run& run_;
  exec::Held held_;
  expr::Evaluator evaluator_;
  std::deque<WindowRow> window_;
  std::vector<std::vector<std::unique_ptr<expr::Aggregate>>> states_;  // by group, by call
};

class StreamStep final : public exec::Step {
 public:
  StreamStep(std::vector<exec::GroupKey> keys, std::vector<exec::AggregateCall> calls, Options options,
             std::string text)
      : keys_(std::move(keys)), calls_(std::move(calls)), options_(options), text_(std::move(text)) {}
  std::string name() const override { return "streamstats"; }
  std::string describe() const override { return text_; }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override {
    return std::make_unique<StreamOperator>(keys_, calls_, options_, run);
  }
  void reads(std::vector<Slot>& out) const override { exec::AggregateStep(keys_, calls_, "", "").reads(out); }
  uint64_t input_enough(uint64_t wanted) const override { return wanted; }

 private:
  std::vector<exec::GroupKey> keys_;
  std::vector<exec::AggregateCall> calls_;
  Options options_;
  std::string text_;
};

class Streamstats final : public Command {
 public:
  Streamstats(Options options, std::vector<AggregateItem> aggregates, std::vector<KeyItem> keys)
      : options_(options), aggregates_(std::move(aggregates)), keys_(std::move(keys)) {}

  std::string print() const override {
    std::string out = "streamstats ";
    if (!options_.current) out += "current=false ";
    if (options_.window != 0) out += "window=" + std::to_string(options_.window) + " ";
    if (!options_.global) out += "global=false ";
    if (!options_.keep_null_groups) out += "bucket_nullable=false ";
    return out + ppl::print(aggregates_) + print_by(keys_);
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> key_columns;
    std::vector<exec::GroupKey> keys = CLEW_TRY(bind_keys(pipeline, keys_, !options_.keep_null_groups, key_columns));
    std::vector<Column> columns;
    std::vector<exec::AggregateCall> calls = CLEW_TRY(bind_calls(pipeline, aggregates_, columns));
    pipeline.add(std::make_shared<StreamStep>(std::move(keys), std::move(calls), options_, print()));
    for (Column& column : columns) pipeline.scope.set(std::move(column));
    return {};
  }

 private:
  Options options_;
  std::vector<AggregateItem> aggregates_;
  std::vector<KeyItem> keys_;
};

}  // namespace

Result<CommandPtr> parse_streamstats(CommandParser& parser) {
  Options options;
  while (true) {
    auto current = CLEW_TRY(parser.bool_option("current"));
    if (current) options.current = *current;
    auto global = CLEW_TRY(parser.bool_option("global"));
    if (global) options.global = *global;
    auto nullable = CLEW_TRY(parser.bool_option("bucket_nullable"));
    if (nullable) options.keep_null_groups = *nullable;
    auto window = CLEW_TRY(parser.int_option("window"));
    if (window && (*window < 0 || *window > kWindowMax))
      return parser.fail("window is 0 to " + std::to_string(kWindowMax));
    if (window) options.window = *window;
    if (!current && !global && !nullable && !window) break;
  }
  std::vector<AggregateItem> aggregates = CLEW_TRY(parse_aggregates(parser));
  std::vector<KeyItem> keys = CLEW_TRY(parse_by(parser));
  return CommandPtr(std::make_shared<Streamstats>(options, std::move(aggregates), std::move(keys)));
}

}  // namespace clew::query::ppl
