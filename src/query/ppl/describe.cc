#include "query/ppl/describe.h"

#include <algorithm>

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

class Describe final : public Command {
 public:
  explicit Describe(std::string dataset) : dataset_(std::move(dataset)) {}
  bool leads() const override { return true; }
  std::string print() const override { return "describe " + expr::print_name(dataset_); }

  Status bind(Pipeline& pipeline) const override {
    if (!pipeline.plan.steps.empty() || pipeline.plan.scan) {
      return pipeline.fail(expr::kSemanticError, "describe begins a query");
    }
    Context& context = pipeline.context;
    std::vector<contract::DatasetInfo> datasets = CLEW_TRY(context.source().datasets(context.access()));
    std::vector<std::string> names;
    for (contract::DatasetInfo& info : datasets) names.push_back(std::move(info.name));
    if (std::find(names.begin(), names.end(), dataset_) == names.end()) {
      std::string closest = expr::closest_name(dataset_, names);
      return pipeline.fail(kDatasetNotFoundCode, "no such dataset [" + dataset_ + "]", std::nullopt,
                           closest.empty() ? "" : "did you mean `" + closest + "`?");
    }
    std::shared_ptr<SourceFields> fields = CLEW_TRY(SourceFields::load(context, {dataset_}));
    answer(pipeline, *fields);
    return {};
  }

 private:
  // The columns that JDBC names for a table's columns, as far as they mean something here.
  void answer(Pipeline& pipeline, SourceFields& fields) const {
    std::vector<std::string> names = fields.names();
    std::sort(names.begin(), names.end());
    std::vector<Value> tables;
    std::vector<Value> columns;
    std::vector<Value> types;
    std::vector<Value> places;
    for (size_t i = 0; i < names.size(); ++i) {
      tables.push_back(Value::string(dataset_));
      columns.push_back(Value::string(names[i]));
      std::optional<Column> column = fields.find(names[i]);
      types.push_back(Value::string(std::string(model::type_name(column ? column->type : Type::kString))));
      places.push_back(Value::integer(static_cast<int64_t>(i) + 1));
    }
    exec::Block block;
    block.rows = static_cast<uint32_t>(names.size());
    std::vector<Column> out;
    auto add = [&](std::string name, Type type, const std::vector<Value>& values) {
      out.push_back({std::move(name), pipeline.context.new_slot(), type});
      block.set(out.back().slot, exec::vector_of(values));
    };
    add("TABLE_NAME", Type::kString, tables);
    add("COLUMN_NAME", Type::kString, columns);
    add("TYPE_NAME", Type::kString, types);
    add("ORDINAL_POSITION", Type::kInt, places);
    if (block.rows > 0) pipeline.plan.made.push_back(std::move(block));
    pipeline.scope.replace(std::move(out));
  }

  std::string dataset_;
};

}  // namespace

Result<CommandPtr> parse_describe(CommandParser& parser) {
  std::string dataset = CLEW_TRY(parser.name_or_string());
  return CommandPtr(std::make_shared<Describe>(std::move(dataset)));
}

}  // namespace clew::query::ppl
