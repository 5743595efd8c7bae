// What stats, eventstats, timechart, chart, top and rare share: lists of aggregates and `by` keys.
#pragma once

#include <string>
#include <vector>

#include "query/ppl/command.h"

namespace clew::query::ppl {

struct AggregateItem {
  std::string name;  // of its column
  expr::ExprPtr call;
};

struct KeyItem {
  std::string name;     // of its column
  expr::ExprPtr value;  // a field or span(..)
  bool span = false;
};

// `count() as n, avg(ms), ..`: commas or blanks between, up to `by`, `group by` or the end.
Result<std::vector<AggregateItem>> parse_aggregates(CommandParser& parser);
Result<AggregateItem> parse_aggregate(CommandParser& parser);
// What follows `by` (or `group by`), when it stands there.
Result<std::vector<KeyItem>> parse_by(CommandParser& parser);

std::string print(const std::vector<AggregateItem>& aggregates);
std::string print_by(const std::vector<KeyItem>& keys);  // with a leading " by ", or empty

// Keys bound: spans computed by a step of their own, the others columns as they are.
Result<std::vector<exec::GroupKey>> bind_keys(Pipeline& pipeline, const std::vector<KeyItem>& keys, bool drop_nulls,
                                              std::vector<Column>& columns);
Result<std::vector<exec::AggregateCall>> bind_calls(Pipeline& pipeline, const std::vector<AggregateItem>& aggregates,
                                                    std::vector<Column>& columns);

}  // namespace clew::query::ppl
