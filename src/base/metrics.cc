#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace clew::base {
namespace {

constexpr uint64_t kFirstBoundNs = 64'000;

std::string escape_label(const std::string& value) {
  std::string out;
  for (char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out.append("\\n");
      continue;
    }
    out.push_back(c);
  }
  return out;
}

std::string label_text(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out.push_back(',');
    out.append(name).append("=\"").append(escape_label(value)).append("\"");
  }
  return out;
}

std::string braced(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

void print_latency(std::string& out, const std::string& name, const std::string& labels, const LatencyHistogram& h) {
  std::string comma = labels.empty() ? "" : labels + ",";
  uint64_t total = 0;
  for (int i = 0; i < LatencyHistogram::kBuckets; ++i) {
    total += h.bucket(i);
    out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, comma, LatencyHistogram::bucket_bound_seconds(i), total);
  }
  total += h.bucket(LatencyHistogram::kBuckets);
  out += fmt::format("{}_bucket{{{}le=\"+Inf\"}} {}\n", name, comma, total);
  out +=
      fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, braced(labels), h.sum_seconds(), name, braced(labels), total);
}

bool includes(const MetricLabels& all, const MetricLabels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& w) { return std::find(all.begin(), all.end(), w) != all.end(); });
}

}  // namespace

void LatencyHistogram::observe_ns(uint64_t ns) {
  uint64_t units = ns / kFirstBoundNs;
  size_t i = std::min<size_t>(static_cast<size_t>(std::bit_width(units)), kBuckets);
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
}

uint64_t LatencyHistogram::count() const {
  uint64_t n = 0;
  for (const auto& b : buckets_) n += b.load(std::memory_order_relaxed);
  return n;
}

double LatencyHistogram::sum_seconds() const {
  return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
}

double LatencyHistogram::bucket_bound_seconds(int i) {
  return static_cast<double>(kFirstBoundNs << static_cast<unsigned>(i)) / 1e9;
}

Registry::Family& Registry::family(const std::string& name, const std::string& help, const char* type) {
  Family& f = families_[name];
  f.help = help;
  f.type = type;
  return f;
}

Counter& Registry::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  MutexLock lock(mutex_);
  auto& slot = family(name, help, "counter").counters[label_text(labels)];
  if (!slot.second) slot = {labels, std::make_unique<Counter>()};
  return *slot.second;
}

LatencyHistogram& Registry::latency(const std::string& name, const std::string& help, const MetricLabels& labels) {
  MutexLock lock(mutex_);
  auto& slot = family(name, help, "histogram").latencies[label_text(labels)];
  if (!slot) slot = std::make_unique<LatencyHistogram>();
  return *slot;
}

void Registry::gauge(const std::string& name, const std::string& help, const MetricLabels& labels,
                     std::function<double()> read) {
  MutexLock lock(mutex_);
  family(name, help, "gauge").gauges[label_text(labels)] = std::move(read);
}

uint64_t Registry::sum(const std::string& name, const MetricLabels& labels) const {
  MutexLock lock(mutex_);
  auto it = families_.find(name);
  if (it == families_.end()) return 0;
  uint64_t n = 0;
  for (const auto& [text, entry] : it->second.counters) {
    if (includes(entry.first, labels)) n += entry.second->value();
  }
  return n;
}

std::string Registry::prometheus_text() const {
  MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, f] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, f.help, name, f.type);
    for (const auto& [labels, entry] : f.counters)
      out += fmt::format("{}{} {}\n", name, braced(labels), entry.second->value());
    for (const auto& [labels, read] : f.gauges) out += fmt::format("{}{} {}\n", name, braced(labels), read());
    for (const auto& [labels, h] : f.latencies) print_latency(out, name, labels, *h);
  }
  return out;
}

}  // namespace clew::base
