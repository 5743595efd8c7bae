// A whole query as parsed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "query/place.h"
#include "query/ppl/command.h"
#include "query/ppl/search.h"

namespace clew::query::ppl {

constexpr size_t kCommandsMax = 200;
constexpr int kSubqueryDepthMax = 8;

enum class Explain : uint8_t { kNo, kPlan, kAnalyze };

struct Query {
  Explain explain = Explain::kNo;
  Search search;  // what is read, unless the first command makes its own rows
  std::vector<CommandPtr> commands;
  std::vector<uint32_t> places;       // where in the text each command begins
  bool own_rows = false;              // the first command leads
  std::shared_ptr<const Query> from;  // `source=[ .. ]`: its rows are what is read
};
using QueryPtr = std::shared_ptr<const Query>;

// Errors: kInvalid; where and what in `tokens.diagnostic()`.
Result<QueryPtr> parse_query(expr::TokenStream& tokens);
// PPL text that parses to an equal query.
std::string print(const Query& query);
// Its commands alone, as appendpipe and appendcol take them; the whole query when it reads something of its own.
std::string print_commands(const Query& query);

// Plans a query: names looked up, conditions moved into the scan, columns read only when needed.
struct PlanOptions {
  contract::TimeRange range;
  uint64_t rows_limit = 0;  // of a row query; 0: none
  bool raw = false;         // the answer is `_raw` alone
  bool ids = false;         // rows that are events begin with `_id`
  std::optional<Page> page = {};
  std::vector<std::string> members = {};  // of objects, which are columns too where they are there
};
// The datasets that a search reads.
Result<std::vector<std::string>> datasets_of(Context& context, const Search& search);
Result<exec::PlanPtr> plan_query(Context& context, const Query& query, const PlanOptions& options);

}  // namespace clew::query::ppl
