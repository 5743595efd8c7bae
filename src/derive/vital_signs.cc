#include "derive/vital_signs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "derive/sink_write.h"
#include "query/promql/promql.h"

namespace clew::derive {
namespace {

constexpr uint64_t kWindowMillisLeast = 60'000;
constexpr uint64_t kWindowIntervals = 4;
constexpr uint64_t kAskMillisMax = 5'000;  // of one sign
constexpr uint64_t kSeriesMax = 100'000;   // that one sign reads

// `instance` without its port as `host`.
std::string by_host(const std::string& inner) {
  return "label_replace(" + inner + ", \"host\", \"$1\", \"instance\", \"(.+?)(?::[0-9]+)?\")";
}

// A scraped service is named by its job.
std::string by_service(const std::string& inner) {
  return "label_replace(" + by_host(inner) + ", \"service\", \"$1\", \"job\", \"(.+)\")";
}

// Where a service has requests of spans they hold, else those of access logs, else of what it measures itself.
std::string first_of(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : " or on (service) ") + ("(" + part + ")");
  return out;
}

struct HttpMetric {
  const char* name;       // without _count, _bucket
  const char* histogram;  // "_count" where it is one
  const char* failed;     // a selector of failures
};
// OpenTelemetry's, the usual one of Prometheus' clients, and Spring's.
constexpr HttpMetric kHttpMetrics[] = {
    {"http_server_request_duration_seconds", "_count", R"(http_response_status_code=~"5..")"},
    {"http_request_duration_seconds", "_count", R"(code=~"5..")"},
    {"http_request_duration_seconds", "_count", R"(status=~"5..")"},
    {"http_server_requests_seconds", "_count", R"(status=~"5..")"},
    {"http_requests_total", "", R"(code=~"5..")"},
    {"http_requests_total", "", R"(status=~"5..")"},
};

std::string own_rate(const char* metric, const char* source, const std::string& window) {
  return fmt::format(R"(sum by (host, service) (rate({}{{source="{}"}}[{}])))", metric, source, window);
}

std::string http_rate(const HttpMetric& metric, const std::string& selector, const std::string& window) {
  return "sum by (host, service) (" +
         by_service(fmt::format("rate({}{}{{{}}}[{}])", metric.name, metric.histogram, selector, window)) + ")";
}

std::string requests_per_second(const std::string& window) {
  std::vector<std::string> parts = {own_rate("clew_requests_total", "spans", window),
                                    own_rate("clew_requests_total", "logs", window)};
  const HttpMetric* before = nullptr;
  for (const HttpMetric& metric : kHttpMetrics) {
    bool same = before != nullptr && std::string_view(before->name) == metric.name;
    if (!same) parts.push_back(http_rate(metric, "", window));
    before = &metric;
  }
  return first_of(parts);
}

// 0 where there are requests and nothing counts failures.
std::string share(const std::string& failed, const std::string& all) {
  return fmt::format("100 * {0} / ({1} > 0) or 0 * {1}", failed, all);
}

std::string error_rate(const std::string& window) {
  std::vector<std::string> parts;
  for (const char* source : {"spans", "logs"}) {
    parts.push_back(
        share(own_rate("clew_requests_failed_total", source, window), own_rate("clew_requests_total", source, window)));
  }
  for (const HttpMetric& metric : kHttpMetrics) {
    parts.push_back(
        fmt::format("100 * {} / ({} > 0)", http_rate(metric, metric.failed, window), http_rate(metric, "", window)));
  }
  // Nothing has failed yet: there is no series of failures.
  parts.push_back("0 * (" + requests_per_second(window) + ")");
  return first_of(parts);
}

std::string p99_latency(const std::string& window) {
  auto quantile = [](const std::string& buckets) {
    return fmt::format("histogram_quantile(0.99, sum by (host, service, le) ({})) >= 0", buckets);
  };
  std::vector<std::string> parts;
  for (const char* source : {"spans", "logs"}) {
    parts.push_back(
        quantile(fmt::format(R"(rate(clew_request_duration_seconds_bucket{{source="{}"}}[{}]))", source, window)));
  }
  const HttpMetric* before = nullptr;
  for (const HttpMetric& metric : kHttpMetrics) {
    bool same = before != nullptr && std::string_view(before->name) == metric.name;
    if (!same && metric.histogram[0] != '\0')
      parts.push_back(quantile(by_service(fmt::format("rate({}_bucket[{}])", metric.name, window))));
    before = &metric;
  }
  return first_of(parts);
}

}  // namespace

std::vector<VitalSign> vital_signs(uint64_t window_millis) {
  std::string window = fmt::format("{}ms", window_millis);
  // As `df` reckons: what is kept for root is neither used nor free.
  constexpr std::string_view kDisks = R"({fstype!~"tmpfs|ramfs|devtmpfs|squashfs|iso9660|nsfs|fuse.*"})";
  std::string used = fmt::format("(node_filesystem_size_bytes{0} - node_filesystem_free_bytes{0})", kDisks);
  std::string disk = fmt::format("100 * {0} / ({0} + node_filesystem_avail_bytes{1})", used, kDisks);
  return {
      {"cpu_usage", "Percent of the time of all cores that was not idle",
       "100 * (1 - avg by (host) (" +
           by_host(fmt::format(R"(rate(node_cpu_seconds_total{{mode="idle"}}[{}]))", window)) + "))"},
      {"memory_usage", "Percent of memory that is not available",
       "max by (host) (" + by_host("100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)") + ")"},
      {"disk_usage", "Percent of a file system that is used", "max by (host, mountpoint) (" + by_host(disk) + ")"},
      {"requests_per_second", "Requests that a service answers in a second", requests_per_second(window)},
      {"error_rate", "Percent of a service's requests that fail", error_rate(window)},
      {"p99_latency", "Seconds within which 99 of 100 requests are answered", p99_latency(window)},
  };
}

VitalSigns::VitalSigns(const contract::MetricSource& source, contract::MetricSink& sink, const os::Clock& clock,
                       base::Registry& metrics, uint64_t interval_millis)
    : source_(source),
      sink_(sink),
      clock_(clock),
      failures_(metrics.counter("clew_vital_signs_failures_total",
                                "Times that one of cpu_usage, memory_usage ... could not be worked out")),
      signs_(vital_signs(std::max(kWindowMillisLeast, interval_millis * kWindowIntervals))) {}

Status VitalSigns::write() {
  int64_t now = clock_.now().get() / 1'000'000;
  query::promql::Options options;
  options.limits.millis_max = kAskMillisMax;
  options.limits.series_max = kSeriesMax;
  options.clock = &clock_;
  model::MetricBatch batch;
  std::set<model::Labels> written;
  for (const VitalSign& sign : signs_) {
    Result<query::promql::Answer> answer = query::promql::run_instant(source_, {}, sign.promql, now, options);
    if (!answer.ok()) {
      failures_.add();
      continue;
    }
    for (const query::promql::ResultSeries& series : answer->series) {
      if (series.samples.values.empty() || !std::isfinite(series.samples.values.front())) continue;
      model::Labels labels = model::LabelsBuilder(series.labels).set(model::kMetricNameLabel, sign.name).build();
      batch.begin_series(labels);
      batch.add_sample(now, series.samples.values.front());
      batch.set_metadata(sign.name, {model::MetricType::kGauge, "", sign.help});
      written.insert(std::move(labels));
    }
  }
  for (const model::Labels& labels : last_) {
    if (written.contains(labels)) continue;
    batch.begin_series(labels);
    batch.add_sample(now, model::stale_value());
  }
  last_ = std::move(written);
  return write_and_wait(sink_, batch);
}

}  // namespace clew::derive
