// Run: what one running query shares between its threads: limits, cancellation, counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "contract/event_source.h"
#include "os/clock.h"
#include "query/place.h"

namespace clew::query::exec {

// Rows that went into a step, and the time spent in it and the steps after it, summed over threads.
struct StageMeter {
  std::atomic<uint64_t> rows_in{0};
  std::atomic<uint64_t> nanos{0};
};

// Threads: all functions on any thread.
class Run {
 public:
  struct Options {
    uint64_t millis_max = 30'000;
    uint64_t memory_bytes_max = 256ull << 20;
    uint64_t groups_max = 1'000'000;
    uint32_t block_rows = 4096;
    bool cuttable = false;      // a row query: a time limit ends it with what it has
    bool cut_in_order = false;  // and then without rows that others, not yet found, may come before
  };
  Run(const os::Clock& clock, base::WorkerPool& pool, Options options, std::stop_token stop);

  // kCancelled, or kDeadline (never after cut_by_time()). To be asked once per block.
  Status check();
  bool cancelled() const { return stop_.stop_requested() || cancel_.load(std::memory_order_relaxed); }
  void cancel() { cancel_.store(true, std::memory_order_relaxed); }

  // Accounts memory that an operator keeps. Errors: kLimit beyond the query's memory; nothing is accounted then.
  Status grow(uint64_t bytes);
  void shrink(uint64_t bytes) { memory_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t memory_peak() const { return memory_peak_.load(std::memory_order_relaxed); }

  // The time limit has ended a row query early: from now on it only hands out what it has.
  void cut_by_time() { cut_time_.store(true); }
  bool was_cut_by_time() const { return cut_time_.load(); }
  void cut_by_rows(uint64_t limit) { cut_rows_.store(limit); }
  uint64_t cut_rows() const { return cut_rows_.load(); }

  // A column that turned out to be of no use is left out of the answer (plans with late_columns).
  void hide_column(uint32_t slot);
  bool is_hidden(uint32_t slot);

  // What an ordered scan reads from, and, once it is cut by time, the place up to which everything was handed out.
  // Threads: that of the scan.
  Continuation scanned;

  void warn(std::string text);
  std::vector<std::string> warnings();

  const Options& options() const { return options_; }
  const os::Clock& clock() const { return clock_; }
  base::WorkerPool& pool() { return pool_; }
  uint64_t elapsed_ns() const { return clock_.monotonic_ns() - started_ns_; }

  // Meters of the plan's steps and, last, of what comes out. A plan inside a plan counts with the step that holds it.
  void begin_stages(size_t steps) {
    if (stages_.empty()) stages_ = std::vector<StageMeter>(steps + 1);
  }
  StageMeter& stage(size_t i) { return stages_[i < stages_.size() ? i : stages_.size() - 1]; }
  size_t stages() const { return stages_.size(); }

  contract::ScanStats scan;
  std::atomic<uint64_t> rows_scanned{0};
  std::atomic<uint64_t> rows_matched{0};
  std::atomic<uint64_t> granules_read{0};
  std::atomic<uint64_t> granules_from_counts{0};
  std::atomic<uint64_t> granules_planned{0};

 private:
  const os::Clock& clock_;
  base::WorkerPool& pool_;
  const Options options_;
  std::stop_token stop_;
  std::atomic<bool> cancel_{false};
  const uint64_t started_ns_;
  std::atomic<uint64_t> memory_{0};
  std::atomic<uint64_t> memory_peak_{0};
  std::atomic<bool> cut_time_{false};
  std::atomic<uint64_t> cut_rows_{0};
  std::vector<StageMeter> stages_;
  base::Mutex mutex_;
  std::vector<std::string> warnings_ CLEW_GUARDED_BY(mutex_);
  std::set<uint32_t> hidden_ CLEW_GUARDED_BY(mutex_);
};

// Memory of one operator, given back when it goes.
class Held {
 public:
  explicit Held(Run& run) : run_(run) {}
  ~Held() { run_.shrink(bytes_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  // Sets what is held now. Errors: kLimit.
  Status set(uint64_t bytes);
  Status add(uint64_t bytes) { return set(bytes_ + bytes); }

 private:
  Run& run_;
  uint64_t bytes_ = 0;
};

}  // namespace clew::query::exec
