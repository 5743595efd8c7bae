#include "query/ppl/xyseries.h"

#include <algorithm>

#include "expr/print.h"
#include "query/exec/gather.h"
#include "query/exec/group.h"
#include "query/exec/order.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr size_t kColumnsMax = 1'000;

struct Options {
  std::string sep = ": ";
  std::string format;  // with $AGG$ and $VAL$
  std::string x;
  std::string y;
  std::vector<std::string> values;  // of y, as text
  std::vector<std::string> data;
};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

class SeriesStep final : public exec::GatherStep {
 public:
  SeriesStep(Slot x, Slot y, std::vector<Slot> data, std::vector<std::string> values, std::vector<Slot> out,
             std::string text)
      : x_(x),
        y_(y),
        data_(std::move(data)),
        values_(std::move(values)),
        out_(std::move(out)),
        text_(std::move(text)) {}
  std::string name() const override { return "xyseries"; }
  std::string describe() const override { return text_; }
  bool row_query() const override { return false; }
  void reads(std::vector<Slot>& out) const override {
    out.push_back(x_);
    out.push_back(y_);
    out.insert(out.end(), data_.begin(), data_.end());
  }

  Status make(exec::Run& run, std::vector<exec::Block> blocks, exec::Operator& next) const override {
    exec::Grouper grouper(1);
    std::vector<std::vector<Value>> cells;  // by group: data x values
    exec::Held held(run);
    for (const exec::Block& block : blocks) {
      std::vector<uint32_t> groups;
      grouper.assign({exec::column_of(block, x_)}, block.rows, groups);
      cells.resize(grouper.groups(), std::vector<Value>(data_.size() * values_.size()));
      CLEW_TRY(held.set(cells.size() * data_.size() * values_.size() * sizeof(Value) + grouper.memory_bytes()));
      model::VectorPtr names = exec::column_of(block, y_);
      for (uint32_t row = 0; row < block.rows; ++row) {
        if (names->is_null(row)) continue;
        std::string name = expr::print_value(names->value(row));
        auto found = std::find(values_.begin(), values_.end(), name);
        if (found == values_.end()) continue;
        auto place = static_cast<size_t>(found - values_.begin());
        for (size_t i = 0; i < data_.size(); ++i) {
          Value value = exec::column_of(block, data_[i])->value(row);
          if (!value.is_null()) cells[groups[row]][i * values_.size() + place] = std::move(value);
        }
      }
    }
    return write(run, grouper.key_values(0), cells, next);
  }

 private:
  Status write(exec::Run& run, const std::vector<Value>& keys, const std::vector<std::vector<Value>>& cells,
               exec::Operator& next) const {
    std::vector<uint32_t> order(keys.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return exec::compare(keys[a], keys[b]) < 0; });
    exec::RowWriter writer(run, out_, next);
    for (uint32_t i : order) {
      std::vector<Value> row = {keys[i]};
      row.insert(row.end(), cells[i].begin(), cells[i].end());
      CLEW_TRY(writer.add(row));
    }
    return writer.flush();
  }

  Slot x_;
  Slot y_;
  std::vector<Slot> data_;
  std::vector<std::string> values_;
  std::vector<Slot> out_;  // x, then data by values
  std::string text_;
};

class Xyseries final : public Command {
 public:
  explicit Xyseries(Options options) : options_(std::move(options)) {}

  std::string print() const override {
    std::string out = "xyseries sep=" + expr::print_string(options_.sep);
    if (!options_.format.empty()) out += " format=" + expr::print_string(options_.format);
    out += " " + expr::print_name(options_.x) + " " + expr::print_name(options_.y) + " in (";
    for (size_t i = 0; i < options_.values.size(); ++i)
      out += (i == 0 ? "" : ", ") + expr::print_string(options_.values[i]);
    out += ")";
    for (size_t i = 0; i < options_.data.size(); ++i) out += (i == 0 ? " " : ", ") + expr::print_name(options_.data[i]);
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    Column x = CLEW_TRY(pipeline.field(options_.x));
    Column y = CLEW_TRY(pipeline.field(options_.y));
    std::vector<Column> columns = {{options_.x, pipeline.context.new_slot(), x.type}};
    std::vector<Slot> data;
    for (const std::string& name : options_.data) {
      Column column = CLEW_TRY(pipeline.field(name));
      data.push_back(column.slot);
      for (const std::string& value : options_.values) {
        columns.push_back({column_name(name, value), pipeline.context.new_slot(), column.type});
      }
    }
    std::vector<Slot> out;
    for (const Column& column : columns) out.push_back(column.slot);
    pipeline.add(
        std::make_shared<SeriesStep>(x.slot, y.slot, std::move(data), options_.values, std::move(out), print()));
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  std::string column_name(const std::string& aggregate, const std::string& value) const {
    if (options_.format.empty()) return aggregate + options_.sep + value;
    return replaced(replaced(options_.format, "$AGG$", aggregate), "$VAL$", value);
  }

  Options options_;
};

}  // namespace

Result<CommandPtr> parse_xyseries(CommandParser& parser) {
  Options options;
  for (int i = 0; i < 2; ++i) {
    if (auto sep = CLEW_TRY(parser.option("sep"))) options.sep = *sep;
    if (auto format = CLEW_TRY(parser.option("format"))) options.format = *format;
  }
  options.x = CLEW_TRY(parser.name());
  parser.tokens.accept(",");
  options.y = CLEW_TRY(parser.name());
  if (!parser.tokens.accept_word("in")) {
    return parser.tokens.fail_expected("`in (value, ..)`: the values that become columns");
  }
  CLEW_TRY(parser.tokens.expect("("));
  do {
    expr::Token value = parser.tokens.next();
    bool fits = value.kind != expr::TokenKind::kPunct && value.kind != expr::TokenKind::kEnd &&
                value.kind != expr::TokenKind::kBad;
    if (!fits) return parser.tokens.fail(value.span, expr::kSyntaxError, "expected a value");
    options.values.push_back(value.text);
  } while (parser.tokens.accept(","));
  CLEW_TRY(parser.tokens.expect(")"));
  options.data = CLEW_TRY(parser.names());
  if (options.data.size() * options.values.size() > kColumnsMax) {
    return parser.fail("xyseries makes at most " + std::to_string(kColumnsMax) + " columns");
  }
  return CommandPtr(std::make_shared<Xyseries>(std::move(options)));
}

}  // namespace clew::query::ppl
