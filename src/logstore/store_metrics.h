// What the store counts. For each dataset: received = stored + duplicate + rejected, in events.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/mutex.h"

namespace clew::logstore {

struct DatasetCounters {
  base::Counter* received = nullptr;
  base::Counter* stored = nullptr;
  base::Counter* duplicate = nullptr;
};

// Threads: all functions on any thread.
class StoreMetrics {
 public:
  explicit StoreMetrics(base::Registry& registry);
  const DatasetCounters& dataset(const std::string& name);
  // `reason` is one of a handful of words: overloaded, full, unavailable, io, too_large, invalid, conflict.
  void reject(const std::string& dataset, const std::string& reason, uint64_t rows);

  base::Registry& registry;
  base::LatencyHistogram& sync;
  base::Counter& commits;
  base::Counter& groups;
  base::Counter& journal_written_bytes;
  base::Counter& flushes;
  base::Counter& flushed_rows;
  base::Counter& merges;
  base::Counter& merged_rows;
  base::Counter& background_errors;
  base::Counter& dedupe_evicted;
  base::Counter& deleted_rows;
  base::Counter& retired_rows;
  base::Counter& damaged_records;
  base::Counter& torn_tails;
  base::Counter& recovered_records;

 private:
  base::Mutex mutex_;
  std::map<std::string, DatasetCounters> datasets_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::logstore
