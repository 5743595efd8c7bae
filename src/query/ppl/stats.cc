#include "query/ppl/stats.h"

#include "query/ppl/grouping.h"

namespace clew::query::ppl {

namespace {

class Stats final : public Command {
 public:
  Stats(std::vector<AggregateItem> aggregates, std::vector<KeyItem> keys, bool keep_null_groups)
      : aggregates_(std::move(aggregates)), keys_(std::move(keys)), keep_null_groups_(keep_null_groups) {}

  std::string print() const override {
    std::string options = keep_null_groups_ ? "" : "bucket_nullable=false ";
    return "stats " + options + ppl::print(aggregates_) + print_by(keys_);
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> key_columns;
    std::vector<exec::GroupKey> keys = CLEW_TRY(bind_keys(pipeline, keys_, !keep_null_groups_, key_columns));
    std::vector<Column> columns;
    std::vector<exec::AggregateCall> calls = CLEW_TRY(bind_calls(pipeline, aggregates_, columns));
    pipeline.add(std::make_shared<exec::AggregateStep>(std::move(keys), std::move(calls), "stats", print()));
    // Aggregates come first, then the span, then the other keys.
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].span) columns.push_back(key_columns[i]);
    }
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (!keys_[i].span) columns.push_back(key_columns[i]);
    }
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  std::vector<AggregateItem> aggregates_;
  std::vector<KeyItem> keys_;
  bool keep_null_groups_;
};

// Options of the original that change nothing here.
Status skip_options(CommandParser& parser, bool& keep_null_groups) {
  while (true) {
    if (auto nullable = CLEW_TRY(parser.bool_option("bucket_nullable"))) {
      keep_null_groups = *nullable;
      continue;
    }
    bool skipped = false;
    for (std::string_view key : {"partitions", "allnum", "delim", "dedup_splitvalues"}) {
      std::optional<std::string> value = CLEW_TRY(parser.option(key));
      skipped = skipped || value.has_value();
    }
    if (!skipped) return {};
  }
}

}  // namespace

Result<CommandPtr> parse_stats(CommandParser& parser) {
  bool keep_null_groups = true;
  CLEW_TRY(skip_options(parser, keep_null_groups));
  std::vector<AggregateItem> aggregates = CLEW_TRY(parse_aggregates(parser));
  std::vector<KeyItem> keys = CLEW_TRY(parse_by(parser));
  CLEW_TRY(skip_options(parser, keep_null_groups));
  return CommandPtr(std::make_shared<Stats>(std::move(aggregates), std::move(keys), keep_null_groups));
}

}  // namespace clew::query::ppl
