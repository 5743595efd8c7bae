// Queries that go on without their client: begun, looked at, fetched, for a while after their end.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "api/search_records.h"
#include "base/mutex.h"
#include "os/clock.h"

namespace clew::api {

constexpr uint64_t kAsyncKeptNs = 600'000'000'000;  // a result is kept so long after the query's end
constexpr size_t kAsyncResultBytesMax = 64u << 20;  // of one result; a query that gives more is cancelled
constexpr size_t kAsyncBytesMax = 256u << 20;       // of all results; the oldest go first
constexpr size_t kAsyncQueriesMax = 100;            // running and kept

struct AsyncState {
  bool running = true;
  std::string tenant;
  std::string records;                    // as /clew/v1/search gives them; empty while running
  std::optional<query::Failure> failure;  // ended before a record
};

// Threads:  all functions on any thread.
// Lifetime: `clock` outlives it.
class AsyncQueries {
 public:
  explicit AsyncQueries(const os::Clock& clock) : clock_(clock) {}

  // Errors: kOverloaded when kAsyncQueriesMax run or are kept and none of them may go.
  Status admit();
  void began(uint64_t id, const std::string& tenant);
  void ended(uint64_t id, std::string records, std::optional<query::Failure> failure);
  // Nothing when there is no such query, or its time is over.
  std::optional<AsyncState> find(uint64_t id, const std::string& tenant);

 private:
  struct Kept {
    AsyncState state;
    uint64_t ended_ns = 0;
  };
  void drop_old() CLEW_REQUIRES(mutex_);

  const os::Clock& clock_;
  base::Mutex mutex_;
  std::map<uint64_t, Kept> kept_ CLEW_GUARDED_BY(mutex_);
  size_t bytes_ CLEW_GUARDED_BY(mutex_) = 0;
};

}  // namespace clew::api
