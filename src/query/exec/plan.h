// Plans and their execution.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/event_source.h"
#include "query/exec/aggregate.h"
#include "query/exec/operator.h"
#include "query/exec/scan.h"

namespace clew::query::exec {

// How an aggregation right above the scan may be answered from counts that granules keep: by minute and level, or by
// the value of one field.
struct CountsPlan {
  enum class Key : uint8_t { kTime, kLevel, kField };
  std::vector<Key> keys;   // of the aggregate, in order; kField stands alone
  int64_t span_nanos = 0;  // of the time key; whole minutes
  std::string field;       // of kField, as granules know it
  size_t step = 0;         // the aggregation's place in the steps
};

struct PlanColumn {
  std::string name;
  Slot slot = 0;
  model::Type type = model::Type::kMixed;
};

struct Plan;
using PlanPtr = std::shared_ptr<const Plan>;

struct Plan {
  std::optional<ScanSpec> scan;  // none: `made` is the input
  std::vector<Block> made;
  std::vector<StepPtr> steps;
  std::vector<PlanColumn> columns;  // of the answer
  std::optional<CountsPlan> counts;
  bool lanes = true;          // off: everything in order on one thread
  bool late_columns = false;  // steps may hide columns (Run::hide_column): the schema is known with the first row

  bool row_query() const;  // a time limit may cut it
};

// One line per stage, scan first.
std::vector<std::string> describe(const Plan& plan);

// Runs the plan into `sink` and finishes it.
// Errors: kCancelled, kDeadline (plans that are no row query), kLimit, kInvalid (a value that cannot be computed), kIo.
Status execute(Run& run, contract::EventSource& source, const Plan& plan, Operator& sink);

}  // namespace clew::query::exec
