// clew's own counters, gauges and histograms, printed as Prometheus' text format.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace clew::base {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Threads: add and value on any thread.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Seconds in buckets that grow by powers of two from 64 us to 33 s.
//
// Threads: observe on any thread.
class LatencyHistogram {
 public:
  static constexpr int kBuckets = 20;
  void observe_ns(uint64_t ns);
  uint64_t count() const;
  double sum_seconds() const;
  uint64_t bucket(int i) const { return buckets_[static_cast<size_t>(i)].load(std::memory_order_relaxed); }
  static double bucket_bound_seconds(int i);

 private:
  std::array<std::atomic<uint64_t>, kBuckets + 1> buckets_{};
  std::atomic<uint64_t> sum_ns_{0};
};

// Owns every metric; made by app/ and handed down. The same name and labels give the same object.
//
// Threads:  all functions on any thread.
// Lifetime: references stay valid as long as the registry. A gauge's function must not outlive what it reads.
class Registry {
 public:
  Counter& counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  LatencyHistogram& latency(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  void gauge(const std::string& name, const std::string& help, const MetricLabels& labels,
             std::function<double()> read);
  // Sum of all counters of that name whose labels include `labels`.
  uint64_t sum(const std::string& name, const MetricLabels& labels = {}) const;
  std::string prometheus_text() const;

 private:
  struct Family {
    std::string help;
    std::string type;
    std::map<std::string, std::pair<MetricLabels, std::unique_ptr<Counter>>> counters;
    std::map<std::string, std::unique_ptr<LatencyHistogram>> latencies;
    std::map<std::string, std::function<double()>> gauges;
  };
  Family& family(const std::string& name, const std::string& help, const char* type) CLEW_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Family> families_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::base
