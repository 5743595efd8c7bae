#include "query/ppl/nomv.h"

#include "expr/print.h"
#include "query/exec/gather.h"
#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

class NomvStep final : public exec::MapStep {
 public:
  NomvStep(Slot in, Slot out) : in_(in), out_(out) {}
  std::string name() const override { return "nomv"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  Status map(exec::Block& block) const override {
    model::VectorPtr column = exec::column_of(block, in_);
    std::vector<Value> values(block.rows);
    for (uint32_t row = 0; row < block.rows; ++row) values[row] = joined(column->value(row));
    block.set(out_, exec::vector_of(values));
    return {};
  }

 private:
  static Value joined(const Value& value) {
    if (value.type() != Type::kArray) return value.is_null() ? Value() : Value::string(expr::print_value(value));
    std::string out;
    bool first = true;
    for (const Value& item : value.items()) {
      if (item.is_null()) continue;
      if (!first) out += "\n";
      first = false;
      out += expr::print_value(item);
    }
    return Value::string(std::move(out));
  }

  Slot in_;
  Slot out_;
};

class Nomv final : public Command {
 public:
  explicit Nomv(std::string field) : field_(std::move(field)) {}
  std::string print() const override { return "nomv " + expr::print_name(field_); }
  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    Slot out = pipeline.context.new_slot();
    pipeline.add(std::make_shared<NomvStep>(in.slot, out));
    pipeline.scope.set({field_, out, Type::kString});
    return {};
  }

 private:
  std::string field_;
};

}  // namespace

Result<CommandPtr> parse_nomv(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  return CommandPtr(std::make_shared<Nomv>(std::move(field)));
}

}  // namespace clew::query::ppl
