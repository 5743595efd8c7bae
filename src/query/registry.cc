#include "query/registry.h"

namespace clew::query {

QueryStats stats_of(exec::Run& run) {
  QueryStats out;
  out.rows_scanned = run.rows_scanned.load();
  out.rows_matched = run.rows_matched.load();
  out.granules_total = run.scan.granules_total.load();
  out.granules_read = run.granules_read.load();
  out.granules_pruned_by_time = run.scan.granules_pruned_by_time.load();
  out.granules_pruned_by_stats = run.scan.granules_pruned_by_stats.load();
  out.granules_pruned_by_index = run.scan.granules_pruned_by_index.load();
  out.granules_from_counts = run.granules_from_counts.load();
  out.bytes_read = run.scan.bytes_read.load();
  out.index_reads = run.scan.index_reads.load();
  out.column_reads = run.scan.column_reads.load();
  out.blocks_decoded = run.scan.blocks_decoded.load();
  out.memory_bytes_peak = run.memory_peak();
  out.nanos = run.elapsed_ns();
  return out;
}

uint64_t Registry::begin(const Request& request, UnixNanos started) {
  base::MutexLock lock(mutex_);
  uint64_t id = next_id_++;
  Running& entry = running_[id];
  entry.record.id = id;
  entry.record.text = request.text;
  entry.record.tenant = request.access.tenant.get();
  entry.record.started = started;
  entry.record.running = true;
  entry.record.state = "running";
  return id;
}

void Registry::attach(uint64_t id, std::shared_ptr<exec::Run> run) {
  base::MutexLock lock(mutex_);
  Running& entry = running_[id];
  if (entry.cancelled) run->cancel();
  entry.run = std::move(run);
}

void Registry::end(uint64_t id, const Outcome& outcome) {
  base::MutexLock lock(mutex_);
  auto it = running_.find(id);
  if (it == running_.end()) return;
  QueryRecord record = std::move(it->second.record);
  running_.erase(it);
  record.running = false;
  record.state = outcome.failure ? std::string(failure_code(outcome.failure->kind)) : outcome.exactness.text();
  record.stats = outcome.stats;
  past_.push_front(std::move(record));
  if (past_.size() > past_max_) past_.pop_back();
}

std::vector<QueryRecord> Registry::list() const {
  base::MutexLock lock(mutex_);
  std::vector<QueryRecord> out;
  for (auto it = running_.rbegin(); it != running_.rend(); ++it) {
    out.push_back(it->second.record);
    if (it->second.run != nullptr) out.back().stats = stats_of(*it->second.run);
  }
  out.insert(out.end(), past_.begin(), past_.end());
  return out;
}

bool Registry::cancel(uint64_t id) {
  base::MutexLock lock(mutex_);
  auto it = running_.find(id);
  if (it == running_.end()) return false;
  it->second.cancelled = true;
  if (it->second.run != nullptr) it->second.run->cancel();
  return true;
}

}  // namespace clew::query
