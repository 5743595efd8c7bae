#include "query/ppl/appendcol.h"

#include <algorithm>

#include "query/exec/gather.h"
#include "query/exec/subplan.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

constexpr uint64_t kRowsMax = 50'000;

// Row n of another plan beside row n; what is longer goes on alone.
class AppendColStep final : public exec::Step {
 public:
  struct Pair {
    Slot from = 0;  // of the other plan
    Slot out = 0;
    std::optional<Slot> own;  // the column it stands for where the other plan has no such row
  };
  AppendColStep(contract::EventSource& source, exec::PlanPtr plan, std::vector<Pair> pairs, std::string text)
      : source_(source), plan_(std::move(plan)), pairs_(std::move(pairs)), text_(std::move(text)) {}
  std::string name() const override { return "appendcol"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override {
    for (const Pair& pair : pairs_) {
      if (pair.own) out.push_back(*pair.own);
    }
  }
  bool row_query() const override { return false; }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override { return std::make_unique<Sider>(*this, run); }

 private:
  class Sider final : public exec::Operator {
   public:
    Sider(const AppendColStep& step, exec::Run& run) : step_(step), run_(run), held_(run) {}
    Status push(exec::Block block) override {
      CLEW_TRY(load());
      std::vector<exec::RowRef> rows;
      for (uint32_t row = 0; row < block.rows; ++row) rows.push_back(take());
      for (const Pair& pair : step_.pairs_) {
        model::VectorPtr beside = beside_of(pair, rows);
        block.set(pair.out, pair.own ? chosen(exec::column_of(block, *pair.own), beside, rows) : beside);
      }
      return next_->push(std::move(block));
    }
    Status finish() override {
      CLEW_TRY(load());
      while (at_block_ < blocks_.size() && next_->wants_more()) {
        exec::Block block;
        std::vector<exec::RowRef> rows;
        uint32_t left = blocks_[at_block_].rows - at_row_;
        for (uint32_t i = 0; i < left; ++i) rows.push_back(take());
        block.rows = left;
        for (const Pair& pair : step_.pairs_) block.set(pair.out, beside_of(pair, rows));
        CLEW_TRY(next_->push(std::move(block)));
      }
      return next_->finish();
    }

   private:
    Status load() {
      if (loaded_) return {};
      loaded_ = true;
      blocks_ =
          CLEW_TRY(exec::collect_rows(run_, step_.source_, *step_.plan_, held_, kRowsMax, "the limit of appendcol"));
      std::erase_if(blocks_, [](const exec::Block& block) { return block.rows == 0; });
      return {};
    }
    // The next row of the other plan; block number blocks_.size() when there is none.
    exec::RowRef take() {
      exec::RowRef out{static_cast<uint32_t>(at_block_), at_row_};
      if (at_block_ < blocks_.size() && ++at_row_ >= blocks_[at_block_].rows) {
        ++at_block_;
        at_row_ = 0;
      }
      return out;
    }
    model::VectorPtr beside_of(const Pair& pair, const std::vector<exec::RowRef>& rows) const {
      std::vector<model::VectorPtr> columns;
      for (const exec::Block& block : blocks_) columns.push_back(exec::column_of(block, pair.from));
      columns.push_back(nullptr);
      return exec::gather_column(columns, rows);
    }
    model::VectorPtr chosen(const model::VectorPtr& own, const model::VectorPtr& beside,
                            const std::vector<exec::RowRef>& rows) const {
      std::vector<model::VectorPtr> columns = {own, beside};
      std::vector<exec::RowRef> refs;
      for (uint32_t i = 0; i < rows.size(); ++i) refs.push_back({rows[i].block < blocks_.size() ? 1u : 0u, i});
      return exec::gather_column(columns, refs);
    }

    const AppendColStep& step_;
    exec::Run& run_;
    exec::Held held_;
    bool loaded_ = false;
    std::vector<exec::Block> blocks_;
    size_t at_block_ = 0;
    uint32_t at_row_ = 0;
  };

  contract::EventSource& source_;
  exec::PlanPtr plan_;
  std::vector<Pair> pairs_;
  std::string text_;
};

class Appendcol final : public Command {
 public:
  Appendcol(std::shared_ptr<const Query> query, bool override_own)
      : query_(std::move(query)), override_(override_own) {}
  std::string print() const override {
    return std::string("appendcol override=") + (override_ ? "true" : "false") + " [ " + print_commands(*query_) + " ]";
  }

  Status bind(Pipeline& pipeline) const override {
    exec::PlanPtr plan = CLEW_TRY(pipeline.subplan(over_same_source(*query_, pipeline)));
    std::vector<Column> columns = pipeline.scope.all();
    std::vector<AppendColStep::Pair> pairs;
    for (const exec::PlanColumn& column : plan->columns) {
      auto own = pipeline.own_column(columns, column.name);
      if (own != columns.end() && !override_) continue;
      AppendColStep::Pair pair{column.slot, pipeline.context.new_slot(), std::nullopt};
      if (own == columns.end()) {
        columns.push_back({column.name, pair.out, column.type});
      } else {
        pair.own = own->slot;
        own->slot = pair.out;
        if (own->type != column.type) own->type = model::Type::kMixed;
      }
      pairs.push_back(pair);
    }
    pipeline.add(
        std::make_shared<AppendColStep>(pipeline.context.source(), std::move(plan), std::move(pairs), print()));
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  std::shared_ptr<const Query> query_;
  bool override_;
};

}  // namespace

Result<CommandPtr> parse_appendcol(CommandParser& parser) {
  std::optional<bool> override_own = CLEW_TRY(parser.bool_option("override"));
  std::shared_ptr<const Query> query = CLEW_TRY(parser.subquery());
  return CommandPtr(std::make_shared<Appendcol>(std::move(query), override_own.value_or(false)));
}

}  // namespace clew::query::ppl
