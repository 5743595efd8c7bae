// The list of running and past queries.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "query/engine.h"
#include "query/exec/run.h"

namespace clew::query {

// Threads: all functions on any thread.
class Registry {
 public:
  explicit Registry(uint32_t past_max) : past_max_(past_max) {}

  uint64_t begin(const Request& request, UnixNanos started);
  // The run that cancel() reaches, from when it exists until end().
  void attach(uint64_t id, std::shared_ptr<exec::Run> run);
  void end(uint64_t id, const Outcome& outcome);

  std::vector<QueryRecord> list() const;
  bool cancel(uint64_t id);

 private:
  struct Running {
    QueryRecord record;
    std::shared_ptr<exec::Run> run;
    bool cancelled = false;
  };
  const uint32_t past_max_;
  mutable base::Mutex mutex_;
  uint64_t next_id_ CLEW_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Running> running_ CLEW_GUARDED_BY(mutex_);
  std::deque<QueryRecord> past_ CLEW_GUARDED_BY(mutex_);  // newest first
};

// What a run has counted so far.
QueryStats stats_of(exec::Run& run);

}  // namespace clew::query
