#include "query/ppl/expand.h"

#include "query/exec/gather.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr uint32_t kExpandedRowsMax = 4096;  // of a block that goes on

class ExpandStep final : public exec::Step {
 public:
  ExpandStep(std::string name, Slot in, Slot out, uint64_t limit, std::string text)
      : name_(std::move(name)), in_(in), out_(out), limit_(limit), text_(std::move(text)) {}
  std::string name() const override { return name_; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  exec::Needs needs() const override { return exec::Needs::kOrdered; }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override {
    return std::make_unique<Expander>(*this, run);
  }

 private:
  class Expander final : public exec::Operator {
   public:
    Expander(const ExpandStep& step, exec::Run& run) : step_(step), run_(run) {}
    Status push(exec::Block block) override {
      model::VectorPtr column = exec::column_of(block, step_.in_);
      model::Selection rows;
      std::vector<Value> elements;
      for (uint32_t row = 0; row < block.rows; ++row) {
        Value value = column->value(row);
        size_t count = value.type() == Type::kArray             ? value.items().size()
                       : value.is_null() && step_.drops_nulls() ? 0
                                                                : 1;
        if (step_.limit_ != 0) count = std::min<size_t>(count, step_.limit_);
        for (size_t i = 0; i < count; ++i) {
          rows.push_back(row);
          elements.push_back(value.type() == Type::kArray ? value.items()[i] : value);
          if (rows.size() >= kExpandedRowsMax) CLEW_TRY(hand_on(block, rows, elements));
        }
      }
      return hand_on(block, rows, elements);
    }

   private:
    Status hand_on(const exec::Block& block, model::Selection& rows, std::vector<Value>& elements) {
      if (rows.empty() || !next_->wants_more()) return {};
      CLEW_TRY(run_.check());
      std::vector<exec::RowRef> refs;
      for (uint32_t row : rows) refs.push_back({0, row});
      exec::Block out = exec::gather(std::span<const exec::Block>(&block, 1), refs);
      out.set(step_.out_, exec::vector_of(elements));
      rows.clear();
      elements.clear();
      return next_->push(std::move(out));
    }

    const ExpandStep& step_;
    exec::Run& run_;
  };

  bool drops_nulls() const { return name_ == "mvexpand"; }

  std::string name_;
  Slot in_;
  Slot out_;
  uint64_t limit_;
  std::string text_;
};

class Expand final : public Command {
 public:
  Expand(std::string name, std::string field, std::string as, uint64_t limit)
      : name_(std::move(name)), field_(std::move(field)), as_(std::move(as)), limit_(limit) {}
  std::string print() const override {
    std::string out = name_ + " " + expr::print_name(field_);
    if (limit_ != 0) out += " limit=" + std::to_string(limit_);
    return as_.empty() ? out : out + " as " + expr::print_name(as_);
  }
  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    Slot out = pipeline.context.new_slot();
    pipeline.add(std::make_shared<ExpandStep>(name_, in.slot, out, limit_, print()));
    // With another name the array stays beside.
    pipeline.scope.set({as_.empty() ? field_ : as_, out, Type::kMixed});
    return {};
  }

 private:
  std::string name_;
  std::string field_;
  std::string as_;
  uint64_t limit_;
};

Result<uint64_t> take_limit(CommandParser& parser) {
  std::optional<int64_t> limit = CLEW_TRY(parser.int_option("limit"));
  if (limit && *limit < 0) return parser.fail("limit is 0 (all) or more");
  return static_cast<uint64_t>(limit.value_or(0));
}

}  // namespace

Result<CommandPtr> parse_expand(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  std::string as;
  if (parser.tokens.accept_word("as")) as = CLEW_TRY(parser.name_or_string());
  return CommandPtr(std::make_shared<Expand>("expand", std::move(field), std::move(as), 0));
}

Result<CommandPtr> parse_mvexpand(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  uint64_t limit = CLEW_TRY(take_limit(parser));
  return CommandPtr(std::make_shared<Expand>("mvexpand", std::move(field), "", limit));
}

}  // namespace clew::query::ppl
