// Makes a tree ready for one run: durations computed, @ start() and @ end() put in, what is the same at every step
// found.
#pragma once

#include "base/result.h"
#include "query/promql/ast.h"
#include "query/promql/options.h"

namespace clew::query::promql {

struct RunTimes {
  int64_t start = 0;
  int64_t end = 0;
  int64_t step = 0;  // 0 for an instant query
};

// Errors: kInvalid for durations that are none, "LINE:COLUMN: parse error: ...".
Status prepare(Expr& expr, std::string_view text, const RunTimes& times, const Options& options);

// Milliseconds of a duration. Errors: kInvalid.
Result<int64_t> duration_millis(const DurationExpr& expr, std::string_view text, const RunTimes& times);

}  // namespace clew::query::promql
