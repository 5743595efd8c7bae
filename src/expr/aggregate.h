// Aggregates: what stats, timechart, top and the like compute per group.
//
// The executor maps the rows of a batch to dense group numbers, hands the numbers and the argument vectors to every
// aggregate, and merges the partial states of its workers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/ast.h"
#include "expr/bind.h"
#include "model/vector.h"

namespace clew::expr {

// State of one aggregate for all groups.
//
// Threads: one at a time.
class Aggregate {
 public:
  virtual ~Aggregate() = default;

  // Takes one batch: args[i] has `rows` rows; groups[r] is the group of row r, below `groups_count`. Empty `groups`:
  // every row belongs to group 0.
  // Errors: kInvalid for an integer sum beyond 64 bits.
  virtual Status update(std::span<const model::VectorPtr> args, uint32_t rows, std::span<const uint32_t> groups,
                        uint32_t groups_count) = 0;
  // Adds the state of another aggregate of the same call: its group g is this one's group_map[g]. An order-sensitive
  // aggregate takes `other` as coming after everything it has seen.
  virtual Status merge(const Aggregate& other, std::span<const uint32_t> group_map, uint32_t groups_count) = 0;
  // One row per group. The state is used up.
  virtual Result<model::VectorPtr> finish(uint32_t groups_count) = 0;
  // What the state holds, for the query's budget.
  virtual size_t memory_bytes() const = 0;
};

// A bound aggregate call.
struct BoundAggregate {
  std::string name;              // "avg"
  std::vector<BoundPtr> args;    // evaluated per row and given to update(); empty for count()
  model::Type type;              // of the result; kMixed: known only when computed
  bool order_sensitive = false;  // first, last, list, take, earliest and latest with ties: feed and merge in row order
  double fraction = 0;           // percentile
  int64_t limit = 0;             // take
};

// True when `name` (lower case) is an aggregate, percNN and pNN included.
bool is_aggregate(std::string_view name);
std::vector<std::string_view> aggregate_names();

// Binds `avg(age)`, `count()`, `count(eval(age > 30))`, `percentile(x, 90)`, `p95(x)`, or a bare `count` / `c`.
// Errors: as Binder::bind.
Result<BoundAggregate> bind_aggregate(Binder& binder, const Expr& expr);

std::unique_ptr<Aggregate> make_aggregate(const BoundAggregate& bound);

}  // namespace clew::expr
