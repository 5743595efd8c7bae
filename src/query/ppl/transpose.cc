#include "query/ppl/transpose.h"

#include "expr/print.h"
#include "query/exec/gather.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr int64_t kRowsDefault = 5;
constexpr int64_t kRowsMax = 10'000;

class TransposeStep final : public exec::Step {
 public:
  TransposeStep(std::vector<Column> columns, Slot names, std::vector<Slot> rows, std::string text)
      : columns_(std::move(columns)), names_(names), rows_(std::move(rows)), text_(std::move(text)) {}
  std::string name() const override { return "transpose"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override {
    for (const Column& column : columns_) out.push_back(column.slot);
  }
  uint64_t input_enough(uint64_t) const override { return rows_.size(); }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override {
    return std::make_unique<Transposer>(*this, run);
  }

 private:
  class Transposer final : public exec::Operator {
   public:
    Transposer(const TransposeStep& step, exec::Run& run)
        : step_(step), run_(run), texts_(step.columns_.size()), held_(run) {}
    Status push(exec::Block block) override {
      uint64_t bytes = 0;
      for (uint32_t row = 0; row < block.rows && taken_ < step_.rows_.size(); ++row, ++taken_) {
        for (size_t i = 0; i < texts_.size(); ++i) {
          Value value = exec::column_of(block, step_.columns_[i].slot)->value(row);
          texts_[i].push_back(value.is_null() ? Value() : Value::string(expr::print_value(value)));
          bytes += sizeof(Value) + texts_[i].back().text().size();
        }
      }
      return held_.add(bytes);
    }
    bool wants_more() const override { return taken_ < step_.rows_.size() && next_->wants_more(); }
    Status finish() override {
      std::vector<Slot> slots = {step_.names_};
      slots.insert(slots.end(), step_.rows_.begin(), step_.rows_.end());
      exec::RowWriter writer(run_, std::move(slots), *next_);
      for (size_t i = 0; i < texts_.size(); ++i) {
        std::vector<Value> row = {Value::string(step_.columns_[i].name)};
        row.insert(row.end(), texts_[i].begin(), texts_[i].end());
        row.resize(step_.rows_.size() + 1);
        CLEW_TRY(writer.add(row));
      }
      CLEW_TRY(writer.flush());
      return next_->finish();
    }

   private:
    const TransposeStep& step_;
    exec::Run& run_;
    std::vector<std::vector<Value>> texts_;  // by column, by row
    size_t taken_ = 0;
    exec::Held held_;
  };

  std::vector<Column> columns_;
  Slot names_;
  std::vector<Slot> rows_;
  std::string text_;
};

class Transpose final : public Command {
 public:
  Transpose(int64_t rows, std::string column) : rows_(rows), column_(std::move(column)) {}
  std::string print() const override {
    return "transpose " + std::to_string(rows_) + " column_name=" + expr::print_string(column_);
  }
  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns = pipeline.scope.all();
    std::vector<Column> out = {{column_, pipeline.context.new_slot(), Type::kString}};
    std::vector<Slot> slots;
    for (int64_t row = 1; row <= rows_; ++row) {
      slots.push_back(pipeline.context.new_slot());
      out.push_back({"row " + std::to_string(row), slots.back(), Type::kString});
    }
    pipeline.add(std::make_shared<TransposeStep>(std::move(columns), out[0].slot, std::move(slots), print()));
    pipeline.scope.replace(std::move(out));
    return {};
  }

 private:
  int64_t rows_;
  std::string column_;
};

}  // namespace

Result<CommandPtr> parse_transpose(CommandParser& parser) {
  int64_t rows = kRowsDefault;
  std::string column = "column";
  while (!parser.at_end()) {
    if (auto name = CLEW_TRY(parser.option("column_name"))) {
      column = *name;
      continue;
    }
    rows = CLEW_TRY(parser.integer());
    if (rows < 1 || rows > kRowsMax) return parser.fail("transpose takes 1 to " + std::to_string(kRowsMax) + " rows");
  }
  return CommandPtr(std::make_shared<Transpose>(rows, std::move(column)));
}

}  // namespace clew::query::ppl
