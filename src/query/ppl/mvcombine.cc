#include "query/ppl/mvcombine.h"

#include "query/exec/gather.h"
#include "query/exec/group.h"

namespace clew::query::ppl {

namespace {

using model::Value;

class CombineStep final : public exec::GatherStep {
 public:
  CombineStep(std::vector<Slot> keys, Slot in, Slot out, std::string text)
      : keys_(std::move(keys)), in_(in), out_(out), text_(std::move(text)) {}
  std::string name() const override { return "mvcombine"; }
  std::string describe() const override { return text_; }
  bool row_query() const override { return false; }
  void reads(std::vector<Slot>& out) const override {
    out.insert(out.end(), keys_.begin(), keys_.end());
    out.push_back(in_);
  }

  Status make(exec::Run& run, std::vector<exec::Block> blocks, exec::Operator& next) const override {
    exec::Grouper grouper(keys_.size());
    std::vector<model::Values> lists;
    std::vector<exec::RowRef> firsts;
    for (uint32_t b = 0; b < blocks.size(); ++b) {
      std::vector<uint32_t> groups(blocks[b].rows, 0);
      std::vector<model::VectorPtr> columns;
      for (Slot slot : keys_) columns.push_back(exec::column_of(blocks[b], slot));
      if (!keys_.empty()) grouper.assign(columns, blocks[b].rows, groups);
      model::VectorPtr values = exec::column_of(blocks[b], in_);
      for (uint32_t row = 0; row < blocks[b].rows; ++row) {
        if (groups[row] >= lists.size()) {
          lists.resize(groups[row] + 1);
          firsts.push_back({b, row});
        }
        append(values->value(row), lists[groups[row]]);
      }
    }
    for (size_t from = 0; from < firsts.size() && next.wants_more(); from += run.options().block_rows) {
      size_t to = std::min<size_t>(from + run.options().block_rows, firsts.size());
      exec::Block block = exec::gather(blocks, std::span<const exec::RowRef>(firsts).subspan(from, to - from));
      std::vector<Value> made;
      for (size_t i = from; i < to; ++i) made.push_back(lists[i].empty() ? Value() : Value::array(std::move(lists[i])));
      block.set(out_, exec::vector_of(made));
      CLEW_TRY(next.push(std::move(block)));
    }
    return {};
  }

 private:
  static void append(const Value& value, model::Values& list) {
    if (value.is_null()) return;
    if (value.type() == model::Type::kArray)
      list.insert(list.end(), value.items().begin(), value.items().end());
    else
      list.push_back(value);
  }

  std::vector<Slot> keys_;
  Slot in_;
  Slot out_;
  std::string text_;
};

class Mvcombine final : public Command {
 public:
  explicit Mvcombine(std::string field) : field_(std::move(field)) {}
  std::string print() const override { return "mvcombine " + expr::print_name(field_); }
  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    std::vector<Slot> keys;
    for (const Column& column : pipeline.scope.all()) {
      if (column.name != field_) keys.push_back(column.slot);
    }
    Slot out = pipeline.context.new_slot();
    pipeline.add(std::make_shared<CombineStep>(std::move(keys), in.slot, out, print()));
    pipeline.scope.set({field_, out, model::Type::kArray});
    return {};
  }

 private:
  std::string field_;
};

}  // namespace

Result<CommandPtr> parse_mvcombine(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  return CommandPtr(std::make_shared<Mvcombine>(std::move(field)));
}

}  // namespace clew::query::ppl
