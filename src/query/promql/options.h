// How a query runs.
#pragma once

#include <cstdint>
#include <stop_token>

#include "base/worker_pool.h"
#include "os/clock.h"
#include "query/promql/parse.h"

namespace clew::query::promql {

struct Limits {
  uint64_t series_max = 500'000;            // of one selector or result
  uint64_t samples_max = 200'000'000;       // read from the store by one query
  uint64_t memory_bytes_max = 1ull << 30;   // of values between its nodes
  uint64_t steps_max = 11'000;              // of a range query, as Prometheus' API
  uint64_t subquery_steps_max = 1'000'000;  // of the inner query of a subquery
  uint64_t millis_max = 120'000;            // of wall time; 0 none
};

struct Options {
  ParseOptions parse;
  Limits limits;
  int64_t lookback_millis = 300'000;
  int64_t default_step_millis = 60'000;  // of subqueries without a step
  // increase(), rate() and delta() take the difference to the last sample before the range and do not extrapolate: as
  // `anchored` does for one selector.
  bool exact_increase = false;
  bool type_and_unit_labels = false;  // rate() looks at __type__ to say that something may be no counter
  bool start_timestamps = true;       // rate() and its kin use when samples began to count, where they tell
  bool analyze = false;               // Answer::plan tells counts by node
  // Null: one thread. Outlives the run.
  base::WorkerPool* pool = nullptr;
  uint64_t alone_nanos =
      300'000;  // so long a piece of work is tried on the query's own thread before the pool is asked
  // Null: the real one.
  const os::Clock* clock = nullptr;
  std::stop_token stop;
};

}  // namespace clew::query::promql
