#include "query/ppl/eventstats.h"

#include "query/exec/collect.h"
#include "query/ppl/grouping.h"

namespace clew::query::ppl {

namespace {

class Eventstats final : public Command {
 public:
  Eventstats(std::vector<AggregateItem> aggregates, std::vector<KeyItem> keys, bool keep_null_groups)
      : aggregates_(std::move(aggregates)), keys_(std::move(keys)), keep_null_groups_(keep_null_groups) {}

  std::string print() const override {
    return std::string("eventstats ") + (keep_null_groups_ ? "" : "bucket_nullable=false ") + ppl::print(aggregates_) +
           print_by(keys_);
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> key_columns;
    std::vector<exec::GroupKey> keys = CLEW_TRY(bind_keys(pipeline, keys_, !keep_null_groups_, key_columns));
    std::vector<Column> columns;
    std::vector<exec::AggregateCall> calls = CLEW_TRY(bind_calls(pipeline, aggregates_, columns));
    pipeline.add(std::make_shared<exec::EventAggregateStep>(std::move(keys), std::move(calls), print()));
    for (Column& column : columns) pipeline.scope.set(std::move(column));
    return {};
  }

 private:
  std::vector<AggregateItem> aggregates_;
  std::vector<KeyItem> keys_;
  bool keep_null_groups_;
};

}  // namespace

Result<CommandPtr> parse_eventstats(CommandParser& parser) {
  bool keep_null_groups = true;
  if (auto nullable = CLEW_TRY(parser.bool_option("bucket_nullable"))) keep_null_groups = *nullable;
  std::vector<AggregateItem> aggregates = CLEW_TRY(parse_aggregates(parser));
  std::vector<KeyItem> keys = CLEW_TRY(parse_by(parser));
  return CommandPtr(std::make_shared<Eventstats>(std::move(aggregates), std::move(keys), keep_null_groups));
}

}  // namespace clew::query::ppl
