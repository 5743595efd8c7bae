#include "query/ppl/appendpipe.h"

#include <algorithm>

#include "query/exec/gather.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

// Hands its rows on and, below them, what a pipeline makes of the same rows.
class AppendPipeStep final : public exec::Step {
 public:
  AppendPipeStep(std::vector<exec::StepPtr> steps, std::vector<std::pair<Slot, Slot>> columns, std::string text)
      : steps_(std::move(steps)), columns_(std::move(columns)), text_(std::move(text)) {}
  std::string name() const override { return "appendpipe"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override {
    for (const exec::StepPtr& step : steps_) step->reads(out);
    for (const auto& [from, to] : columns_) out.push_back(from);
  }
  bool row_query() const override {
    return std::all_of(steps_.begin(), steps_.end(), [](const exec::StepPtr& step) { return step->row_query(); });
  }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override { return std::make_unique<Piper>(*this, run); }

 private:
  // The end of the inner pipeline: its columns move to where the outer one has them.
  class Mover final : public exec::Operator {
   public:
    Mover(const std::vector<std::pair<Slot, Slot>>& columns, exec::Operator& target)
        : columns_(columns), target_(target) {}
    Status push(exec::Block block) override {
      exec::Block out;
      out.rows = block.rows;
      for (const auto& [from, to] : columns_) out.set(to, exec::column_of(block, from));
      return target_.push(std::move(out));
    }
    Status finish() override { return {}; }
    bool wants_more() const override { return target_.wants_more(); }

   private:
    const std::vector<std::pair<Slot, Slot>>& columns_;
    exec::Operator& target_;
  };

  class Piper final : public exec::Operator {
   public:
    Piper(const AppendPipeStep& step, exec::Run& run) : step_(step), run_(run), held_(run) {}
    Status push(exec::Block block) override {
      CLEW_TRY(held_.add(exec::memory_bytes(block)));
      blocks_.push_back(block);
      return next_->push(std::move(block));
    }
    Status finish() override {
      Mover mover(step_.columns_, *next_);
      exec::Chain chain(step_.steps_, 0, step_.steps_.size(), run_, &mover);
      for (exec::Block& block : blocks_) {
        if (chain.first().wants_more()) CLEW_TRY(chain.first().push(std::move(block)));
      }
      CLEW_TRY(chain.first().finish());
      return next_->finish();
    }

   private:
    const AppendPipeStep& step_;
    exec::Run& run_;
    exec::Held held_;
    std::vector<exec::Block> blocks_;
  };

  std::vector<exec::StepPtr> steps_;
  std::vector<std::pair<Slot, Slot>> columns_;  // inner, outer
  std::string text_;
};

class Appendpipe final : public Command {
 public:
  explicit Appendpipe(std::shared_ptr<const Query> query) : query_(std::move(query)) {}
  std::string print() const override { return "appendpipe [ " + print_commands(*query_) + " ]"; }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns = pipeline.scope.all();
    Pipeline inner(pipeline.context);
    inner.scope.replace(columns, pipeline.scope);
    CLEW_TRY(inner.bind_all(*query_));
    std::vector<std::pair<Slot, Slot>> moved;
    for (const Column& column : inner.scope.all()) {
      auto own = pipeline.own_column(columns, column.name);
      if (own == columns.end()) {
        columns.push_back({column.name, pipeline.context.new_slot(), column.type});
        own = columns.end() - 1;
      } else if (own->type != column.type) {
        own->type = model::Type::kMixed;
      }
      moved.emplace_back(column.slot, own->slot);
    }
    pipeline.add(std::make_shared<AppendPipeStep>(std::move(inner.plan.steps), std::move(moved), print()));
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  std::shared_ptr<const Query> query_;
};

}  // namespace

Result<CommandPtr> parse_appendpipe(CommandParser& parser) {
  expr::SourceSpan span = parser.tokens.peek().span;
  std::shared_ptr<const Query> query = CLEW_TRY(parser.subquery());
  if (query->search.where != nullptr || !query->search.sources.empty() || query->own_rows) {
    return parser.tokens.fail(span, expr::kSyntaxError,
                              "appendpipe takes commands over the present rows, not a search");
  }
  return CommandPtr(std::make_shared<Appendpipe>(std::move(query)));
}

}  // namespace clew::query::ppl
