#include "query/ppl/append.h"

#include <algorithm>

#include "query/exec/collect.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

class Append final : public Command {
 public:
  explicit Append(std::shared_ptr<const Query> query) : query_(std::move(query)) {}
  std::string print() const override { return "append [ " + ppl::print(*query_) + " ]"; }

  Status bind(Pipeline& pipeline) const override {
    exec::PlanPtr plan = CLEW_TRY(pipeline.subplan(*query_));
    std::vector<Column> columns = pipeline.scope.all();
    std::vector<Slot> slots;
    for (const exec::PlanColumn& column : plan->columns) {
      auto own = pipeline.own_column(columns, column.name);
      if (own == columns.end()) {
        columns.push_back({column.name, pipeline.context.new_slot(), column.type});
        own = columns.end() - 1;
      } else if (own->type != column.type) {
        own->type = model::Type::kMixed;
      }
      slots.push_back(own->slot);
    }
    pipeline.add(
        std::make_shared<exec::AppendStep>(pipeline.context.source(), std::move(plan), std::move(slots), print()));
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  std::shared_ptr<const Query> query_;
};

}  // namespace

Result<CommandPtr> parse_append(CommandParser& parser) {
  std::shared_ptr<const Query> query = CLEW_TRY(parser.subquery());
  return CommandPtr(std::make_shared<Append>(std::move(query)));
}

}  // namespace clew::query::ppl
