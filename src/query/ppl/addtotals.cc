#include "query/ppl/addtotals.h"

#include <algorithm>

#include "query/exec/gather.h"
#include "query/exec/rows.h"
#include "query/exec/sums.h"
#include "query/ppl/fields.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

struct Options {
  std::vector<std::string> fields;  // empty: every column of numbers
  bool row = true;
  bool col = false;
  std::string fieldname = "Total";
  std::string label = "Total";
  std::string labelfield;
};

bool may_hold_numbers(Type type) { return exec::is_number(type) || type == Type::kMixed; }

// Adds a column: the sum of each row's numbers.
class RowTotalStep final : public exec::MapStep {
 public:
  RowTotalStep(std::vector<Slot> in, Slot out, std::string text)
      : in_(std::move(in)), out_(out), text_(std::move(text)) {}
  std::string name() const override { return "addtotals"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.insert(out.end(), in_.begin(), in_.end()); }
  Status map(exec::Block& block) const override {
    std::vector<Value> totals(block.rows);
    std::vector<model::VectorPtr> columns;
    for (Slot slot : in_) columns.push_back(exec::column_of(block, slot));
    for (uint32_t row = 0; row < block.rows; ++row) {
      exec::NumberSum sum;
      for (const model::VectorPtr& column : columns) CLEW_TRY(sum.add(column->value(row)));
      totals[row] = sum.value();
    }
    block.set(out_, exec::vector_of(totals));
    return {};
  }

 private:
  std::vector<Slot> in_;
  Slot out_;
  std::string text_;
};

// Adds one row below all others: the sums of the columns.
class ColumnTotalStep final : public exec::Step {
 public:
  ColumnTotalStep(std::vector<Slot> in, std::optional<Slot> label_slot, std::string label, std::string text)
      : in_(std::move(in)), label_slot_(label_slot), label_(std::move(label)), text_(std::move(text)) {}
  std::string name() const override { return "addcoltotals"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.insert(out.end(), in_.begin(), in_.end()); }
  bool row_query() const override { return false; }
  std::unique_ptr<exec::Operator> start(exec::Run&) const override { return std::make_unique<Adder>(*this); }

 private:
  class Adder final : public exec::Operator {
   public:
    explicit Adder(const ColumnTotalStep& step) : step_(step), sums_(step.in_.size()) {}
    Status push(exec::Block block) override {
      for (size_t i = 0; i < sums_.size(); ++i) {
        model::VectorPtr column = exec::column_of(block, step_.in_[i]);
        for (uint32_t row = 0; row < block.rows; ++row) CLEW_TRY(sums_[i].add(column->value(row)));
      }
      return next_->push(std::move(block));
    }
    Status finish() override {
      exec::Block block;
      block.rows = 1;
      for (size_t i = 0; i < sums_.size(); ++i) block.set(step_.in_[i], exec::vector_of({sums_[i].value()}));
      if (step_.label_slot_) block.set(*step_.label_slot_, exec::vector_of({Value::string(step_.label_)}));
      if (next_->wants_more()) CLEW_TRY(next_->push(std::move(block)));
      return next_->finish();
    }

   private:
    const ColumnTotalStep& step_;
    std::vector<exec::NumberSum> sums_;
  };

  std::vector<Slot> in_;
  std::optional<Slot> label_slot_;
  std::string label_;
  std::string text_;
};

class Addtotals final : public Command {
 public:
  Addtotals(std::string name, Options options) : name_(std::move(name)), options_(std::move(options)) {}

  std::string print() const override {
    std::string out = name_;
    for (const std::string& field : options_.fields) out += " " + expr::print_name(field);
    if (name_ == "addtotals") {
      out += std::string(" row=") + (options_.row ? "true" : "false") + " col=" + (options_.col ? "true" : "false");
      out += " fieldname=" + expr::print_string(options_.fieldname);
    }
    out += " label=" + expr::print_string(options_.label);
    return options_.labelfield.empty() ? out : out + " labelfield=" + expr::print_string(options_.labelfield);
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns = pipeline.scope.all();
    std::vector<Column> summed = CLEW_TRY(chosen(pipeline, columns));
    std::vector<Slot> slots;
    for (const Column& column : summed) slots.push_back(column.slot);
    if (options_.row) {
      Slot total = pipeline.context.new_slot();
      pipeline.add(std::make_shared<RowTotalStep>(slots, total, print()));
      pipeline.scope.set({options_.fieldname, total, Type::kMixed});
    }
    if (!options_.col) return {};
    std::optional<Slot> label;
    if (!options_.labelfield.empty()) {
      std::optional<Column> known = pipeline.scope.column(options_.labelfield);
      label = known ? known->slot : pipeline.context.new_slot();
      // A field that is summed and bears the label shows the label.
      slots.erase(std::remove(slots.begin(), slots.end(), *label), slots.end());
      pipeline.scope.set(
          {options_.labelfield, *label, known && known->type != Type::kString ? Type::kMixed : Type::kString});
    }
    pipeline.add(std::make_shared<ColumnTotalStep>(std::move(slots), label, options_.label, print()));
    return {};
  }

 private:
  Result<std::vector<Column>> chosen(Pipeline& pipeline, const std::vector<Column>& columns) const {
    std::vector<Column> out;
    if (options_.fields.empty()) {
      std::copy_if(columns.begin(), columns.end(), std::back_inserter(out),
                   [](const Column& column) { return may_hold_numbers(column.type); });
      return out;
    }
    for (const std::string& field : options_.fields) {
      std::vector<Column> some = CLEW_TRY(matching_columns(pipeline, field));
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }

  std::string name_;
  Options options_;
};

Result<bool> take_option(CommandParser& parser, bool rows_too, Options& options) {
  if (auto label = CLEW_TRY(parser.option("label"))) {
    options.label = *label;
    return true;
  }
  if (auto field = CLEW_TRY(parser.option("labelfield"))) {
    options.labelfield = *field;
    return true;
  }
  if (!rows_too) return false;
  if (auto row = CLEW_TRY(parser.bool_option("row"))) {
    options.row = *row;
    return true;
  }
  if (auto col = CLEW_TRY(parser.bool_option("col"))) {
    options.col = *col;
    return true;
  }
  if (auto field = CLEW_TRY(parser.option("fieldname"))) {
    options.fieldname = *field;
    return true;
  }
  return false;
}

Result<Options> parse_options(CommandParser& parser, bool rows_too) {
  Options options;
  while (!parser.at_end()) {
    bool taken = CLEW_TRY(take_option(parser, rows_too, options));
    if (taken || parser.tokens.accept(",")) continue;
    std::string field = CLEW_TRY(parser.name());
    options.fields.push_back(std::move(field));
  }
  return options;
}

}  // namespace

Result<CommandPtr> parse_addtotals(CommandParser& parser) {
  Options options = CLEW_TRY(parse_options(parser, true));
  return CommandPtr(std::make_shared<Addtotals>("addtotals", std::move(options)));
}

Result<CommandPtr> parse_addcoltotals(CommandParser& parser) {
  Options options = CLEW_TRY(parse_options(parser, false));
  options.row = false;
  options.col = true;
  return CommandPtr(std::make_shared<Addtotals>("addcoltotals", std::move(options)));
}

}  // namespace clew::query::ppl
