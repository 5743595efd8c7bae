#include "query/ppl/chart.h"

#include "query/ppl/grouping.h"
#include "query/ppl/series.h"

namespace clew::query::ppl {

namespace {

constexpr uint64_t kSeriesDefault = 10;

class Chart final : public Command {
 public:
  Chart(AggregateItem aggregate, std::vector<KeyItem> keys, exec::SeriesFold fold)
      : aggregate_(std::move(aggregate)), keys_(std::move(keys)), fold_(std::move(fold)) {}

  std::string print() const override {
    std::string out = "chart" + print_series_options(fold_) + " " + ppl::print(std::vector<AggregateItem>{aggregate_});
    return out + print_by(keys_);
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns;
    std::vector<exec::GroupKey> keys = CLEW_TRY(bind_keys(pipeline, keys_, false, columns));
    keys[0].drop_null = true;
    std::vector<exec::AggregateCall> calls = CLEW_TRY(bind_calls(pipeline, {aggregate_}, columns));
    auto step = std::make_shared<exec::AggregateStep>(std::move(keys), std::move(calls), "chart", print());
    if (keys_.size() == 2) {
      exec::SeriesFold fold = fold_;
      fold.key = 1;
      step->fold_series(std::move(fold));
      columns[1].type = model::Type::kString;
    }
    pipeline.add(std::move(step));
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  AggregateItem aggregate_;
  std::vector<KeyItem> keys_;
  exec::SeriesFold fold_;
};

// A key named by its own text, quotes included.
Result<KeyItem> parse_key(CommandParser& parser) {
  KeyItem key;
  uint32_t begin = parser.tokens.offset();
  key.value = CLEW_TRY(parser.expression());
  key.span = key.value->is_call("span");
  key.name = expr::source_text(parser.tokens, {begin, parser.tokens.last_end()});
  if (parser.tokens.accept_word("as")) key.name = CLEW_TRY(parser.name_or_string());
  return key;
}

}  // namespace

Result<CommandPtr> parse_chart(CommandParser& parser) {
  exec::SeriesFold fold;
  fold.limit = kSeriesDefault;
  bool more = true;
  while (more) more = CLEW_TRY(take_series_option(parser, fold));
  AggregateItem aggregate = CLEW_TRY(parse_aggregate(parser));
  std::vector<KeyItem> keys;
  if (parser.tokens.accept_word("over")) {
    KeyItem row = CLEW_TRY(parse_key(parser));
    keys.push_back(std::move(row));
    if (parser.tokens.accept_word("by")) {
      KeyItem column = CLEW_TRY(parse_key(parser));
      keys.push_back(std::move(column));
    }
  } else {
    CLEW_TRY(parser.tokens.expect_word("by"));
    do {
      KeyItem key = CLEW_TRY(parse_key(parser));
      keys.push_back(std::move(key));
      parser.tokens.accept(",");
    } while (!parser.at_end() && keys.size() < 2);
  }
  return CommandPtr(std::make_shared<Chart>(std::move(aggregate), std::move(keys), std::move(fold)));
}

}  // namespace clew::query::ppl
