#include "logstore/store_metrics.h"

namespace clew::logstore {

StoreMetrics::StoreMetrics(base::Registry& r)
    : registry(r),
      sync(r.latency("clew_journal_append_seconds", "Time to write and sync one group of commits.")),
      commits(r.counter("clew_commits_total", "Writes made durable.")),
      groups(r.counter("clew_journal_groups_total", "Groups of commits written with one sync.")),
      journal_written_bytes(r.counter("clew_journal_written_bytes_total", "Bytes appended to the journal.")),
      flushes(r.counter("clew_flushes_total", "Times that parts of the journal became segments.")),
      flushed_rows(r.counter("clew_flushed_events_total", "Events moved from the journal to segments.")),
      merges(r.counter("clew_merges_total", "Merges and rewrites of segments.")),
      merged_rows(r.counter("clew_merged_events_total", "Events in merged and rewritten segments.")),
      background_errors(r.counter("clew_background_errors_total", "Flushes, merges and removals that failed.")),
      dedupe_evicted(
          r.counter("clew_dedupe_evicted_keys_total", "Batch keys forgotten because too many came after them.")),
      deleted_rows(r.counter("clew_deleted_events_total", "Events taken out by deletes.")),
      retired_rows(r.counter("clew_retired_events_total", "Events removed by retention.")),
      damaged_records(r.counter("clew_journal_damaged_records_total",
                                "Journal records left out at start because they are damaged.")),
      torn_tails(r.counter("clew_journal_torn_tails_total", "Unfinished ends of journal files cut off at start.")),
      recovered_records(r.counter("clew_journal_recovered_records_total", "Journal records found at start.")) {}

const DatasetCounters& StoreMetrics::dataset(const std::string& name) {
  base::MutexLock lock(mutex_);
  DatasetCounters& c = datasets_[name];
  if (c.received == nullptr) {
    base::MetricLabels labels{{"dataset", name}};
    c.received = &registry.counter("clew_store_received_events_total", "Events given to the store.", labels);
    c.stored = &registry.counter("clew_store_stored_events_total", "Events made durable.", labels);
    c.duplicate = &registry.counter("clew_store_duplicate_events_total", "Events of batches stored before.", labels);
  }
  return c;
}

void StoreMetrics::reject(const std::string& dataset, const std::string& reason, uint64_t rows) {
  if (rows == 0) return;
  base::MetricLabels labels{{"dataset", dataset}, {"reason", reason}};
  registry.counter("clew_store_rejected_events_total", "Events that the store refused, by reason.", labels).add(rows);
}

}  // namespace clew::logstore
